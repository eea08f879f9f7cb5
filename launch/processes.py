"""A command of several processes holds the lock of its folder, and passes a request to stop on to the one that runs."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from configs.common.errors import Unfinished
from configs.common.files import make_folder
from configs.common.locks import Lock
from configs.folders import LOCK

Asked = Callable[[], bool]
_POLL_SECONDS = 0.2
# The option of Linux's prctl that names a signal for the death of the parent.
_PR_SET_PDEATHSIG = 1


@contextmanager
def locked(out: Path, asked_to_stop: Asked) -> Iterator[Lock]:
    """Hold the lock of the folder. While another command works there, or one of its processes still saves, wait."""
    make_folder(out)
    with Lock(out / LOCK) as lock:
        waits = False
        while not lock.try_acquire():
            if asked_to_stop():
                raise Unfinished(f"{out}: stopped while another process works there")
            if not waits:
                print(f"{out}: another process works there; waiting for it", file=sys.stderr, flush=True)
            waits = True
            time.sleep(_POLL_SECONDS)
        yield lock


def run(
    command: Sequence[str],
    lock: Lock,
    asked_to_stop: Asked,
    environment: Mapping[str, str] | None = None,
    stdout: TextIO | None = None,
) -> int:
    """Run a command with further environment variables, and return its exit code. By default it inherits stdout.

    The process is in a session of its own, so that Ctrl-C reaches it only once, through us. It inherits the lock of the
    folder, which is therefore held until it has ended too.
    """
    process = subprocess.Popen(
        command,
        env=os.environ | (environment or {}),
        stdout=stdout,
        start_new_session=True,
        preexec_fn=_stop_with_parent,
        pass_fds=(lock.fileno(),),
    )
    is_told = False
    while True:
        try:
            return process.wait(_POLL_SECONDS)
        except subprocess.TimeoutExpired:
            if asked_to_stop() and not is_told:
                process.send_signal(signal.SIGINT)
                is_told = True


def _stop_with_parent() -> None:
    """Let the operating system send this process SIGTERM when its parent dies, so that it saves and ends.

    On systems other than Linux, the process runs to its end, and the lock keeps a second command waiting.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
