"""These locks work between processes, on a single machine or on several machines that share a folder.

The operating system provides them (flock). It releases the lock of a killed process, so nobody has to clear up, and
NFS, Lustre and similar file systems extend it to all machines. The library `filelock` uses flock too, but only for
exclusive locks. A corpus also needs shared locks: it is held by a single process or by several processes together.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from configs.common.errors import UserError


class Lock:
    """This is the lock of a file, which is created if it is missing. The end of the process releases the lock.

    Raises UserError if the file system has no locks.
    """

    def __init__(self, path: Path):
        self.path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)

    def acquire(self, *, shared: bool = False) -> None:
        """Wait until the lock is free, then hold it alone, or together with others that share it."""
        self._flock(fcntl.LOCK_SH if shared else fcntl.LOCK_EX)

    def try_acquire(self, *, shared: bool = False) -> bool:
        """Hold the lock if it is free at once, and return whether it is held now."""
        try:
            self._flock((fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def make_exclusive(self) -> None:
        """Give up a shared lock, then wait until the lock can be held alone.

        This takes two steps, because some file systems (NFS) build flock from other locks. There, two processes that
        convert their locks in a single step wait for each other.
        """
        self._flock(fcntl.LOCK_UN)
        self.acquire()

    def fileno(self) -> int:
        """Return the descriptor. A process that inherits it holds the lock together with this process."""
        return self._descriptor

    def close(self) -> None:
        """Release the lock."""
        os.close(self._descriptor)

    def __enter__(self) -> Lock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _flock(self, operation: int) -> None:
        try:
            fcntl.flock(self._descriptor, operation)
        except BlockingIOError:
            raise
        except OSError as error:
            raise UserError(
                f"{self.path}: cannot be locked ({error.strerror}); name a folder on a file system that supports flock"
            ) from None


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Wait for the lock of `path`, then hold it alone for the block."""
    with Lock(path) as lock:
        lock.acquire()
        yield


def is_locked(path: Path) -> bool:
    """Return whether a process holds the lock of `path` alone. The file is not created."""
    if not path.is_file():
        return False
    with Lock(path) as lock:
        return not lock.try_acquire(shared=True)
