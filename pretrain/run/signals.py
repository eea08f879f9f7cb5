"""Stopping on request: a signal only sets a flag, and the loop finishes its step and saves."""

from __future__ import annotations

import os
import signal
import threading
import time
from types import FrameType, TracebackType

from configs.common.errors import EXIT_UNFINISHED

# SIGUSR1 is the warning that schedulers send before the time is over (Slurm: --signal=USR1@SECONDS).
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
# Within it, signals are one request on two ways: Slurm reaches every process, and torchrun passes on what it gets.
_SAME_REQUEST_SECONDS = 1.0


class StopOnSignal:
    """While open, SIGNALS only make `asked` true; another one, later, ends the process at once."""

    def __init__(self) -> None:
        self._asked_at: float | None = None
        # The processes of a torchrun that was killed live on, and hold the run.
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
        # A process that ends because it was asked is not to be ended by the same request on its second way.
        for number, handler in self._before.items():
            signal.signal(number, handler if self._asked_at is None else signal.SIG_IGN)

    def _is_orphaned(self) -> bool:
        return self._launcher is not None and os.getppid() != self._launcher

    def _watch_launcher(self) -> None:
        """Until the loop asks, leave at once: nothing is to be saved, and joining the others waits for half an hour."""
        while not self._is_listened_to:
            if self._is_orphaned():
                os._exit(EXIT_UNFINISHED)
            time.sleep(0.5)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._asked_at is None:
            self._asked_at = now
            if os.environ.get("RANK", "0") == "0":
                name = signal.Signals(number).name
                # Not print(): the signal may have come in the middle of one.
                os.write(2, f"{name}: stopping after this step; once more ends at once\n".encode())
        elif now - self._asked_at > _SAME_REQUEST_SECONDS:
            os._exit(128 + number)
