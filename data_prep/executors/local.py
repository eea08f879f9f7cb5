"""Tasks on the processes of this machine."""

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
    """Do the tasks, on as many processes as there are cores unless told. Raises what a task raised, or Unfinished."""
    workers = min(workers or cores(), len(numbers) or 1)
    # Worker processes are the parallelism; threads of the tokenizer beside them would only get in their way.
    os.environ["TOKENIZERS_PARALLELISM"] = "true" if workers == 1 else "false"
    if workers == 1:
        for number in numbers:
            tasks.run_task(number)
        return
    try:
        _run_in_pool(tasks, numbers, workers)
    except BrokenProcessPool:
        raise Unfinished(
            f"{tasks.out}: a worker was killed, most often for memory; the same command goes on, with fewer --workers"
        ) from None


def cores() -> int:
    """Those that this process may use, where the system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _run_in_pool(tasks: Tasks, numbers: list[int], workers: int) -> None:
    with ProcessPoolExecutor(workers, get_context("forkserver"), _live_with_parent) as pool:
        try:
            for finished in as_completed([pool.submit(tasks.run_task, number) for number in numbers]):
                finished.result()
        except BaseException:
            # Shards appear whole or not at all, so a task needs no time to end.
            for worker in active_children():
                worker.kill()
            pool.shutdown(cancel_futures=True)
            raise


def _live_with_parent() -> None:
    """In a worker: Ctrl-C is the parent's to answer, and when the parent is killed the worker ends.

    A worker that went on would keep the workers of the command that is given again waiting for its task.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    assert parent is not None
    threading.Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()


def _end_after(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
