"""Locks exclude other processes."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from configs.common.locks import Lock, is_locked, locked

# This program takes an exclusive or a shared lock of a file, says so, and waits to be killed.
HOLDER = """
import sys, time
from pathlib import Path
from configs.common.locks import Lock
lock = Lock(Path(sys.argv[1]))
lock.acquire(shared=sys.argv[2] == "shared")
print("held", flush=True)
time.sleep(600)
"""


def holder(path: Path, how: str) -> subprocess.Popen[str]:
    """Start another process that holds the lock."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(path), how], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_a_lock_is_held_alone_and_released_by_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    other = holder(path, "alone")
    with Lock(path) as lock:
        assert not lock.try_acquire()
        assert not lock.try_acquire(shared=True)
        assert is_locked(path)
        kill(other)
        assert lock.try_acquire()
    assert not is_locked(path)


def test_a_shared_lock_keeps_out_only_those_that_want_it_alone(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    other = holder(path, "shared")
    with Lock(path) as lock:
        assert not lock.try_acquire()
        assert lock.try_acquire(shared=True)
        assert not is_locked(path)
        kill(other)
        lock.make_exclusive()
        assert is_locked(path)


def test_locked_waits_and_releases(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with locked(path):
        assert is_locked(path)
    assert not is_locked(path)


def test_asking_creates_no_file(tmp_path: Path) -> None:
    assert not is_locked(tmp_path / "lock")
    assert list(tmp_path.iterdir()) == []
