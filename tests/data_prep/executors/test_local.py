"""Tasks run in processes of this machine, and killed processes leave nothing that stops the next command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from configs.recipe import Recipe
from tests.conftest import SMALL, documents
from tests.data_prep.conftest import fingerprint


def number_of_files(folder: Path) -> int:
    """Count the files in a folder; a complete corpus has removed the folder, which counts as 0 files."""
    try:
        return len(list(folder.iterdir()))
    except FileNotFoundError:
        return 0


@pytest.mark.parametrize("kill", [os.kill, pytest.param(os.killpg, marks=pytest.mark.slow)])
def test_killed_and_repeated_it_gives_the_same_bytes(tmp_path: Path, kill: Any) -> None:
    """Send kill -9 when one, two and three tasks have finished.

    The signal goes to the parent alone, as happens when memory runs out, or to all processes.
    """
    text = tmp_path / "text.txt"
    # The text has several MiB, in tasks of 1 MiB, so that the kills fall between and within tasks.
    text.write_text("\n\n".join(f"{number}\n{page}" for number in range(10) for page in documents()), encoding="utf-8")
    command = [sys.executable, "-m", "data_prep", "prepare", "tiny", *SMALL, f"data.sources={text}", "--workers", "2"]
    subprocess.run([*command, "--out", str(tmp_path / "whole")], check=True, capture_output=True)
    marks = tmp_path / "cut" / ".prepare" / "completions"
    killed = 0
    for finished in (1, 2, 3):
        process = subprocess.Popen([*command, "--out", str(tmp_path / "cut")], start_new_session=True)
        while process.poll() is None and number_of_files(marks) < finished:
            time.sleep(0.01)
        if process.poll() is None:
            kill(process.pid, signal.SIGKILL)
            killed += 1
        process.wait()
    assert killed > 0
    if not (tmp_path / "cut" / "manifest.json").exists():
        subprocess.run([*command, "--out", str(tmp_path / "cut")], check=True, capture_output=True)
    assert fingerprint(tmp_path / "cut") == fingerprint(tmp_path / "whole")


def test_workers_end_with_their_parent(small_recipe: Recipe, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("\n\n".join(f"{number}\n{page}" for number in range(10) for page in documents()), encoding="utf-8")
    command = [sys.executable, "-m", "data_prep", "prepare", "tiny", *SMALL, f"data.sources={text}", "--workers", "2"]
    process = subprocess.Popen([*command, "--out", str(tmp_path / "cut")], start_new_session=True)
    while process.poll() is None and not list((tmp_path / "cut").glob(".train-*.tmp")):
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + 60
    while _session_is_alive(process.pid):
        assert time.monotonic() < deadline, "workers outlive their parent"
        time.sleep(0.05)


def _session_is_alive(session: int) -> bool:
    try:
        os.killpg(session, 0)
    except ProcessLookupError:
        return False
    return True
