"""Provide a text of several tasks and the corpus that this machine makes of it; all engines must make the same."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from configs.common.files import sha256_of
from configs.common.locks import locked
from data_prep.sources.tasks import size_of_task
from tests.conftest import SMALL, documents


def fingerprint(folder: Path) -> dict[str, str]:
    return {path.name: sha256_of(path) for path in sorted(folder.iterdir())}


class Preparations:
    """Run the command on one text of at least six tasks, into folders by name."""

    def __init__(self, folder: Path, text: Path):
        self.folder = folder
        size = text.stat().st_size
        self.num_tasks = -(-size // size_of_task(size))
        assert self.num_tasks >= 6
        self.command = [sys.executable, "-m", "data_prep", "prepare", "tiny", *SMALL, f"data.sources={text}", "--out"]

    def start(self, out: Path, *options: str) -> subprocess.Popen[str]:
        """Start the command in a session of its own, as if on a terminal of its own."""
        return subprocess.Popen(
            [*self.command, str(out), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, out: Path, *options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*self.command, str(out), *options], capture_output=True, text=True)


@contextmanager
def holding(out: Path, *tasks: int) -> Iterator[None]:
    """Keep these tasks from beginning until the block ends.

    So the corpus cannot be complete before the test has disturbed its preparation, however busy the machine is.
    """
    locks = out / ".prepare" / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        for task in tasks:
            held.enter_context(locked(locks / f"{task:05d}"))
        yield


def finished(out: Path) -> dict[str, int]:
    """Return the time at which each finished task finished.

    The result is empty before the first task finishes, and after a complete corpus has removed its marks.
    """
    try:
        return {mark.name: mark.stat().st_mtime_ns for mark in (out / ".prepare" / "completions").iterdir()}
    except FileNotFoundError:
        return {}


def wait_until(condition: Callable[[], object], seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture(scope="session")
def preparations(tmp_path_factory: pytest.TempPathFactory) -> Preparations:
    folder = tmp_path_factory.mktemp("preparations")
    text = folder / "text.txt"
    # About 6 MB in tasks of 1 MiB.
    text.write_text("\n\n".join(f"{number}\n{page}" for number in range(30) for page in documents()), encoding="utf-8")
    return Preparations(folder, text)


@pytest.fixture(scope="session")
def whole(preparations: Preparations) -> dict[str, str]:
    """Return the files that one process of this machine makes, each with its sha256."""
    out = preparations.folder / "whole"
    done = preparations.run(out, "--workers", "1")
    assert done.returncode == 0, done.stderr
    return fingerprint(out)
