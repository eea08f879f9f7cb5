"""Where the tasks run. datatrove's executors keep the marks of finished tasks; this one runs them on this machine."""

from __future__ import annotations

import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor, as_completed
from copy import deepcopy
from multiprocessing import active_children, get_context, parent_process
from multiprocessing.connection import wait
from pathlib import Path

from datatrove.executor.local import LocalPipelineExecutor
from datatrove.pipeline.base import PipelineStep
from loguru import logger

logger.disable("datatrove")  # its log is for its developers; errors reach the user as our own sentences


class LocalExecutor(LocalPipelineExecutor):
    """datatrove's local executor on a pool that notices a killed worker; datatrove's own waits for it forever."""

    def __init__(self, pipeline: list[PipelineStep], tasks: int, workers: int, logging_dir: Path):
        super().__init__(pipeline, tasks=tasks, workers=workers, logging_dir=str(logging_dir))

    def run(self) -> None:
        """Run the tasks that have not finished. Raises what a task raised, or BrokenProcessPool."""
        ranks = self.get_incomplete_ranks()
        if self.workers == 1:
            for rank in ranks:
                self.run_task(rank)
            return
        with ProcessPoolExecutor(
            min(self.workers, len(ranks) or 1), get_context("forkserver"), _live_with_parent
        ) as pool:
            try:
                for finished in as_completed([pool.submit(self.run_task, rank) for rank in ranks]):
                    finished.result()
            except BaseException:
                # Shards appear whole or not at all, so a task needs no time to end.
                for worker in active_children():
                    worker.kill()
                pool.shutdown(cancel_futures=True)
                raise

    def run_task(self, rank: int) -> None:
        """One task on a fresh copy of the pipeline: steps keep statistics that must not add up over tasks.

        datatrove would also open logs that stay empty and write those statistics, for 20 ms a task.
        """
        data = None
        for step in deepcopy(self.pipeline):
            data = step(data, rank, self.world_size)  # type: ignore[operator]  every step of ours is called
        self.mark_rank_as_completed(rank)


def _live_with_parent() -> None:
    """In a worker: Ctrl-C is the parent's to answer, and when the parent is killed the worker ends.

    A worker that went on would write the same files as the workers of the command that is given again.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    assert parent is not None
    threading.Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()


def _end_after(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
