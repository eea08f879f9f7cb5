"""A task runs once on steps of its own, and its mark tells that it is finished."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from data_prep.executors.tasks import Tasks
from data_prep.steps.base import Step


class Numbers(Step):
    """Yields numbers, and remembers that it was used."""

    type, name = "READER", "numbers"

    def __init__(self) -> None:
        super().__init__()
        self.uses = 0

    def run(self, data: Any, rank: int = 0, world_size: int = 1) -> Iterator[int]:
        self.uses += 1
        yield from [self.uses] * rank


class Write(Step):
    """Appends its numbers to the file of the task, and fails in the task `bad`."""

    type, name = "WRITER", "file"

    def __init__(self, folder: Path, bad: int = -1):
        super().__init__()
        self.folder, self.bad = folder, bad

    def run(self, data: Iterable[int], rank: int = 0, world_size: int = 1) -> None:
        if rank == self.bad:
            raise ValueError("bad input")
        with open(self.folder / str(rank), "a") as file:
            file.write(str([*data]))


def tasks(folder: Path, count: int = 3, bad: int = -1) -> Tasks:
    (folder / "work").mkdir(exist_ok=True)
    return Tasks([Numbers(), Write(folder, bad)], count, folder, folder / "work")


def test_every_task_runs_once_on_a_copy_of_the_steps(tmp_path: Path) -> None:
    made = tasks(tmp_path)
    for number in (2, 0, 2, 1, 1):
        made.run_task(number)
    assert [(tmp_path / str(number)).read_text() for number in range(3)] == ["[]", "[1]", "[1, 1]"]
    assert made.unfinished() == []


def test_marks_outlive_the_process(tmp_path: Path) -> None:
    assert tasks(tmp_path).unfinished() == [0, 1, 2]
    tasks(tmp_path).run_task(1)
    assert tasks(tmp_path).unfinished() == [0, 2]


def test_a_task_that_fails_is_not_finished(tmp_path: Path) -> None:
    made = tasks(tmp_path, bad=1)
    with pytest.raises(ValueError, match="bad input"):
        made.run_task(1)
    assert made.unfinished() == [0, 1, 2]
    made.wait_until_idle([0, 1, 2])  # the lock was released
