"""The tasks of a corpus, each a datatrove pipeline: which are finished, and how one is done. Executors say where."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from copy import deepcopy
from pathlib import Path

from datatrove.executor.local import LocalPipelineExecutor
from datatrove.pipeline.base import PipelineStep
from loguru import logger

from configs.common.files import make_folder
from configs.common.locks import locked

logger.disable("datatrove")  # its log is for its developers; errors reach the user as our own sentences


class Tasks(LocalPipelineExecutor):
    """datatrove's executor, for its marks of finished tasks. Its own `run` waits forever for a killed worker."""

    def __init__(self, pipeline: list[PipelineStep], count: int, out: Path, folder: Path):
        """`out` is the corpus that they are of, `folder` where their marks are kept."""
        super().__init__(pipeline, tasks=count, logging_dir=str(folder))
        self.out = out
        self._locks = folder / "locks"
        make_folder(self._locks)

    def unfinished(self) -> list[int]:
        return self.get_incomplete_ranks()

    def wait_until_idle(self, numbers: Iterable[int]) -> None:
        """Until no process is at one of these tasks."""
        for number in numbers:
            with self._locked(number):
                pass

    def _locked(self, number: int) -> AbstractContextManager[None]:
        return locked(self._locks / f"{number:05d}")

    def run_task(self, number: int) -> None:
        """Do one task, on a fresh copy of the pipeline: steps keep statistics that must not add up over tasks.

        datatrove would also open logs that stay empty and write those statistics, for 20 ms a task. It is done under a
        lock, since a process that an executor has given up may still be writing the same files on another machine; when
        that one finishes after all, nothing is left to do here.
        """
        with self._locked(number):
            if self.is_rank_completed(number):
                return
            data = None
            for step in deepcopy(self.pipeline):
                data = step(data, number, self.world_size)  # type: ignore[operator]  every step of ours is called
            self.mark_rank_as_completed(number)
