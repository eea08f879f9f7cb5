"""The tasks of a corpus, each a datatrove pipeline: which are finished, and how one is done. Engines say where."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

from datatrove.executor.local import LocalPipelineExecutor
from datatrove.pipeline.base import PipelineStep
from loguru import logger

from configs.files import make_folder
from data_prep.claim import WORK, locked

logger.disable("datatrove")  # its log is for its developers; errors reach the user as our own sentences


class Tasks(LocalPipelineExecutor):
    """datatrove's executor, for its marks of finished tasks. Its own `run` waits forever for a killed worker."""

    def __init__(self, pipeline: list[PipelineStep], count: int, out: Path):
        super().__init__(pipeline, tasks=count, logging_dir=str(out / WORK))
        self.out = out
        self._locks = out / WORK / "locks"
        make_folder(self._locks)

    def unfinished(self) -> list[int]:
        return self.get_incomplete_ranks()

    def run_task(self, number: int) -> None:
        """Do one task, on a fresh copy of the pipeline: steps keep statistics that must not add up over tasks.

        Under a lock, since a process that an engine has given up may still be writing the same files on another
        machine; when it finishes the task after all, nothing is left to do here.
        """
        pipeline = self.pipeline
        self.pipeline = deepcopy(pipeline)
        try:
            with locked(self._locks / f"{number:05d}"):
                self._run_for_rank(number)
        finally:
            self.pipeline = pipeline
