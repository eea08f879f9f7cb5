"""Stopping on request: a signal only sets a flag, and then the training loop finishes its step and saves."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from types import FrameType, TracebackType

from rich.file_proxy import FileProxy

from configs.common.errors import EXIT_UNFINISHED

# Schedulers can send SIGUSR1 as a warning before the time limit (Slurm: --signal=USR1@SECONDS).
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
# Signals within this time count as a single request. The same request can arrive twice: Slurm signals every process,
# and torchrun also passes on the signal that it receives.
_SAME_REQUEST_SECONDS = 1.0


class StopOnSignal:
    """While this is open, a first signal of SIGNALS only makes `asked` return True.

    Another signal, more than `_SAME_REQUEST_SECONDS` later, ends the process at once.
    """

    def __init__(self) -> None:
        self._asked_at: float | None = None
        # When torchrun is killed, its processes stay alive and keep the run locked, so we watch for its death.
        self._launcher = os.getppid() if "TORCHELASTIC_RUN_ID" in os.environ else None
        self._is_listened_to = False

    def asked(self) -> bool:
        self._is_listened_to = True
        return self._is_orphaned() or self._asked_at is not None

    def __enter__(self) -> StopOnSignal:
        self._before = {number: signal.signal(number, self._handle) for number in SIGNALS}
        if self._launcher is not None:
            threading.Thread(target=self._watch_launcher, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # If this process was asked to stop, the same request may still arrive a second time; it must not kill the exit.
        for number, handler in self._before.items():
            signal.signal(number, handler if self._asked_at is None else signal.SIG_IGN)

    def _is_orphaned(self) -> bool:
        return self._launcher is not None and os.getppid() != self._launcher

    def _watch_launcher(self) -> None:
        """Until the loop first calls `asked`, end the process as soon as its torchrun is dead.

        There is nothing to save yet, and joining the other processes would wait for half an hour.
        """
        while not self._is_listened_to:
            if self._is_orphaned():
                os._exit(EXIT_UNFINISHED)
            time.sleep(0.5)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._asked_at is None:
            self._asked_at = now
            if os.environ.get("RANK", "0") == "0" and not _is_live():
                name = signal.Signals(number).name
                # print() is not safe here, because the signal may have interrupted another print().
                os.write(2, f"{name}: stopping after this step; once more ends at once\n".encode())
        elif now - self._asked_at > _SAME_REQUEST_SECONDS:
            if _is_live():
                os.write(2, b"\n")  # the shell must not continue in the last line of the display
            os._exit(128 + number)


def _is_live() -> bool:
    """Whether a live display has the terminal. It shows the request itself, and a line would be drawn over."""
    return isinstance(sys.stderr, FileProxy)
