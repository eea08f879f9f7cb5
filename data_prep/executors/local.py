"""Runs tasks in processes of this machine."""

from __future__ import annotations

import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children, get_context, parent_process
from multiprocessing.connection import wait

from configs.common.errors import Unfinished
from data_prep.executors.tasks import Tasks


def run(tasks: Tasks, numbers: list[int], workers: int | None) -> None:
    """Run the tasks in `workers` processes, by default one for each core.

    Raises the error that a task raised, or Unfinished when a worker was killed.
    """
    workers = min(workers or cores(), len(numbers) or 1)
    # Several worker processes already use all cores, so additional threads of the tokenizer would slow them down.
    os.environ["TOKENIZERS_PARALLELISM"] = "true" if workers == 1 else "false"
    if workers == 1:
        for number in numbers:
            tasks.run_task(number)
        return
    try:
        _run_in_pool(tasks, numbers, workers)
    except BrokenProcessPool:
        raise Unfinished(
            f"{tasks.out}: a worker was killed, most often for memory; the same command continues, with fewer --workers"
        ) from None


def cores() -> int:
    """Return the number of cores that this process may use, or of all cores if the system does not tell."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _run_in_pool(tasks: Tasks, numbers: list[int], workers: int) -> None:
    with ProcessPoolExecutor(workers, get_context("forkserver"), _live_with_parent) as pool:
        try:
            for finished in as_completed([pool.submit(tasks.run_task, number) for number in numbers]):
                finished.result()
        except BaseException:
            # Shards appear complete or not at all, so a worker can be killed in the middle of a task.
            for worker in active_children():
                worker.kill()
            pool.shutdown(cancel_futures=True)
            raise


def _live_with_parent() -> None:
    """Prepare a worker process: it ignores Ctrl-C, which the parent handles, and it ends when the parent is killed.

    A worker that outlived its parent would hold the lock of its task, and the workers of a new command would wait for
    it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    assert parent is not None
    threading.Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()


def _end_after(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
