"""A process is stopped with its parent, and keeps the lock of the folder until it has ended."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from configs.common.errors import EXIT_UNFINISHED, Unfinished
from configs.common.locks import is_locked
from configs.folders import LOCK
from launch.processes import locked, run

# It says that it is ready, and exits with 75 when it is interrupted.
CHILD = """
import os, pathlib, signal, sys, time
signal.signal(signal.SIGINT, lambda *_: sys.exit(75))
signal.signal(signal.SIGTERM, lambda *_: sys.exit(75))
pathlib.Path(sys.argv[1]).write_text(os.environ.get("WORD", ""))
while True:
    time.sleep(0.02)
"""


def never() -> bool:
    return False


def test_the_exit_code_of_a_command(tmp_path: Path) -> None:
    with locked(tmp_path, never) as lock:
        assert run([sys.executable, "-c", "raise SystemExit(3)"], lock, never) == 3


def test_a_request_to_stop_is_passed_on(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    with locked(tmp_path, never) as lock:
        code = run(
            [sys.executable, "-c", CHILD, str(ready)],
            lock,
            lambda: bool(ready.exists() and ready.read_text()),
            {"WORD": "set"},
        )
    assert (code, ready.read_text()) == (EXIT_UNFINISHED, "set")


def test_a_second_command_waits_and_can_be_stopped(tmp_path: Path) -> None:
    with (
        locked(tmp_path, never),
        pytest.raises(Unfinished, match="stopped while another process works"),
        locked(tmp_path, lambda: True),
    ):
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent has died")
def test_a_process_ends_with_its_parent_and_holds_the_lock_until_then(tmp_path: Path) -> None:
    parent_code = f"""
import sys
from pathlib import Path
from launch.processes import locked, run
with locked(Path({str(tmp_path)!r}), lambda: False) as lock:
    run([sys.executable, "-c", {CHILD!r}, {str(tmp_path / "ready")!r}], lock, lambda: False)
"""
    parent = subprocess.Popen([sys.executable, "-c", parent_code], cwd=Path(__file__).parents[2])
    while not (tmp_path / "ready").exists():
        assert parent.poll() is None
        time.sleep(0.02)
    assert is_locked(tmp_path / LOCK)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    while is_locked(tmp_path / LOCK):
        time.sleep(0.02)
