"""Tasks run in processes of this machine, and killed processes leave nothing that stops the next command."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.data_prep.conftest import Preparations, fingerprint, finished, holding, wait_until


@pytest.mark.parametrize("kill", [os.kill, pytest.param(os.killpg, marks=pytest.mark.slow)])
def test_killed_and_repeated_it_gives_the_same_bytes(
    preparations: Preparations, whole: dict[str, str], tmp_path: Path, kill: Any
) -> None:
    """Send kill -9 when one, two and three tasks have finished.

    The signal goes to the parent alone, as happens when memory runs out, or to all processes.
    """
    out = tmp_path / "cut"
    for count in (1, 2, 3):
        with holding(out, 5):
            process = preparations.start(out, "--workers", "2")
            wait_until(lambda count=count: len(finished(out)) >= count)
            kill(process.pid, signal.SIGKILL)
            process.communicate()
    done = preparations.run(out, "--workers", "2")
    assert done.returncode == 0, done.stderr
    assert fingerprint(out) == whole


def test_workers_end_with_their_parent(preparations: Preparations, tmp_path: Path) -> None:
    out = tmp_path / "cut"
    with holding(out, 5):
        process = preparations.start(out, "--workers", "2")
        wait_until(lambda: finished(out))
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        wait_until(lambda: not _session_is_alive(process.pid))


def _session_is_alive(session: int) -> bool:
    try:
        os.killpg(session, 0)
    except ProcessLookupError:
        return False
    return True
