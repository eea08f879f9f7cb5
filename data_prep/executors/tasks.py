"""The tasks of a corpus. Each task is a run of a datatrove pipeline, and an executor decides where it runs.

This module knows which tasks are finished, and how a task is run.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from copy import deepcopy
from pathlib import Path

from datatrove.executor.local import LocalPipelineExecutor
from datatrove.pipeline.base import PipelineStep
from loguru import logger

from configs.common import chatter
from configs.common.files import make_folder
from configs.common.locks import locked

if not chatter.is_wanted():
    logger.disable("datatrove")  # our own messages tell the user about errors


class Tasks(LocalPipelineExecutor):
    """datatrove's executor, of which we use only the marks of finished tasks.

    We do not use its `run`, because it waits forever for a worker that was killed.
    """

    def __init__(self, pipeline: list[PipelineStep], count: int, out: Path, folder: Path):
        """Set up `count` tasks of the corpus `out`. Their marks and locks are kept in `folder`."""
        super().__init__(pipeline, tasks=count, logging_dir=str(folder))
        self.out = out
        self._locks = folder / "locks"
        make_folder(self._locks)

    def unfinished(self) -> list[int]:
        return self.get_incomplete_ranks()

    def wait_until_idle(self, numbers: Iterable[int]) -> None:
        """Wait until no process works on any of these tasks."""
        for number in numbers:
            with self._locked(number):
                pass

    def _locked(self, number: int) -> AbstractContextManager[None]:
        return locked(self._locks / f"{number:05d}")

    def run_task(self, number: int) -> None:
        """Run one task on a new copy of the pipeline, because steps keep statistics that must not add up over tasks.

        We do not use datatrove's own method: it would also open logs that stay empty and write those statistics, which
        takes 20 ms a task. The task runs under a lock, because a process that an executor has given up may still write
        the same files on another machine. If that process finishes the task, nothing is left to do here.
        """
        with self._locked(number):
            if self.is_rank_completed(number):
                return
            data = None
            for step in deepcopy(self.pipeline):
                data = step(data, number, self.world_size)  # type: ignore[operator]  every step of ours is called
            self.mark_rank_as_completed(number)
