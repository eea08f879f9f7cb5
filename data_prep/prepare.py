"""`electra prepare`: one process alone, one of several processes that share the tasks, or the jobs of a cluster.

The command may be killed at any moment. The same command then continues from the finished tasks.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from configs.common.errors import Unfinished, UserError
from configs.common.files import clear_leftovers, remove_folder, unfinished_when_disk_is_full
from configs.common.locks import locked
from configs.folders import WORK
from configs.recipe import CorpusRecipe
from data_prep.claim import claimed, is_complete
from data_prep.executors import local
from data_prep.executors.slurm import Array
from data_prep.executors.tasks import Tasks
from data_prep.progress import watch
from data_prep.stages import Preparation

# An executor runs the tasks with the given numbers, on the given number of workers.
Executor = Callable[[Tasks, list[int], int | None], None]
# The largest default number of Slurm jobs: the input is usually cut into this many tasks.
_MOST_JOBS = 64


def prepare(
    recipe: CorpusRecipe, out: Path, workers: int | None, execute: Executor = local.run, *, megatron: bool = False
) -> None:
    """Write the corpus `out` in this process and its workers. With `megatron`, also write Megatron's dataset files.

    Raises UserError for bad input, after it has removed the folder.
    """
    if not _is_new(out):
        return
    corpus = Preparation(recipe, out, megatron)
    with claimed(out, corpus.plan, alone=True), _interruptible(out), _on_a_full_disk(corpus):
        try:
            _work(corpus, workers, execute)
            corpus.complete()
        except UserError:
            # We wrote everything in a claimed folder, so all of it may go. `remove_folder` renames the folder first: if
            # the removal stopped halfway, marks of finished tasks without their plan would be read as marks of another
            # corpus.
            remove_folder(out.absolute())
            raise
    _clear(out)


def share(
    recipe: CorpusRecipe, out: Path, workers: int | None, number: int = 0, count: int = 1, *, megatron: bool = False
) -> int:
    """Run the tasks t with t % count == number, while other processes run the rest.

    A process that finds every task finished completes the corpus. Returns the number of unfinished tasks, which belong
    to the other processes. Raises UserError for bad input; the folder stays, because other processes may work in it.
    """
    if not is_complete(out):
        corpus = Preparation(recipe, out, megatron)
        with claimed(out, corpus.plan, alone=False) as lock, _interruptible(out), _on_a_full_disk(corpus):
            if not is_complete(out):
                _work(corpus, workers, local.run, number, count)
                if unfinished := len(corpus.tasks.unfinished()):
                    return unfinished
            lock.make_exclusive()
            if not is_complete(out):
                corpus.complete()
    _clear(out)
    return 0


def submit(
    recipe: CorpusRecipe,
    out: Path,
    workers: int | None,
    arguments: Sequence[str],
    options: Sequence[str],
    *,
    megatron: bool = False,
) -> None:
    """Let the jobs of a Slurm array share the tasks, and wait for the jobs.

    `arguments` are the arguments of `electra prepare` in each job, and `options` are options of sbatch. When this
    process is interrupted, the jobs continue, and the same command waits for them again.
    """
    if is_complete(out):  # the jobs completed the corpus while no process waited for them
        _clear(out)
        return
    corpus, array = Preparation(recipe, out, megatron), Array(out)
    with claimed(out, corpus.plan, alone=False), locked(out / WORK / "slurm.lock"):
        count = min(workers or _MOST_JOBS, len(corpus.pieces))
        shares = sorted({task % count for task in corpus.tasks.unfinished()})
        job = array.find() or array.submit(arguments, shares or [0], count, options)
    print(f"job {job}; its logs are {array.logs}/{job}_*.log", file=sys.stderr, flush=True)
    hint = f"job {job} keeps running (scancel {job} ends it); the same command waits for it again"
    with watch(corpus.progress, corpus.pieces), _interruptible(out, hint):
        array.wait(job)
    if not is_complete(out):
        raise Unfinished(
            f"{out}: job {job} left tasks unfinished; its logs are in {array.logs}; the same command continues"
        )
    _clear(out)


def _work(corpus: Preparation, workers: int | None, execute: Executor, number: int = 0, count: int = 1) -> None:
    """Do everything that comes before `corpus.complete`, but only the share `number` of `count` of the writing tasks.

    Of the signing tasks, this process does its own share first and then the tasks that are still unfinished.
    """
    if corpus.deduplicates:
        with watch(corpus.progress[:1], corpus.pieces):
            execute(corpus.signing, _own_first(corpus.signing.unfinished(), number, count), workers)
        corpus.find_repeated()
    corpus.make_vocabulary()
    with watch(corpus.progress[-1:], corpus.pieces):
        execute(corpus.tasks, [task for task in corpus.tasks.unfinished() if task % count == number], workers)


def _own_first(tasks: list[int], number: int, count: int) -> list[int]:
    """Sort the tasks so that those of share `number` come first.

    Every process needs all signatures before it can continue. So it also does the tasks of the other shares, instead of
    waiting for a share that has not started.
    """
    return sorted(tasks, key=lambda task: task % count != number)


@contextmanager
def _interruptible(
    out: Path, hint: str = "interrupted; the same command continues from the finished tasks"
) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        raise Unfinished(f"{out}: {hint}") from None


def _on_a_full_disk(corpus: Preparation) -> AbstractContextManager[None]:
    """Turn the error of a full disk into Unfinished. There is nothing to undo: files appear complete or not at all."""
    return unfinished_when_disk_is_full(
        lambda: (
            f"{corpus.out}: the disk is full, and about {corpus.missing_bytes() / 1e6:,.1f} MB more are needed; "
            "the same command continues from the finished tasks"
        )
    )


def _is_new(out: Path) -> bool:
    """Return whether the corpus must still be made.

    Raises UserError when the folder already holds a complete corpus. If only its work folder was left to remove, this
    removes it and returns False instead.
    """
    clear_leftovers(out.absolute().parent, out.absolute().name)
    if is_complete(out) and not (out / WORK).exists():
        raise UserError(f"{out}: already holds a complete corpus; name another folder, or delete it")
    if is_complete(out):
        _clear(out)
    return not is_complete(out)


def _clear(out: Path) -> None:
    """Remove the work folder.

    Call this after the lock is released: some shared file systems cannot remove an open file, and the lock file is open
    while the lock is held.
    """
    shutil.rmtree(out / WORK, ignore_errors=True)
