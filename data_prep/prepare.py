"""`electra prepare`: alone, as one of several processes that share the tasks, or by the jobs of a cluster.

Killed at any moment, the same command goes on.
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

# Does the tasks of these numbers, with so many workers.
Executor = Callable[[Tasks, list[int], int | None], None]
# What the input is usually cut into.
_MOST_JOBS = 64


def prepare(
    recipe: CorpusRecipe, out: Path, workers: int | None, execute: Executor = local.run, *, megatron: bool = False
) -> None:
    """Write the corpus `out`, alone, and with `megatron` its documents in that form too.

    Raises UserError for bad input, and then leaves nothing of it behind.
    """
    if not _is_new(out):
        return
    corpus = Preparation(recipe, out, megatron)
    with claimed(out, corpus.plan, alone=True), _interruptible(out), _on_a_full_disk(corpus):
        try:
            _work(corpus, workers, execute)
            corpus.complete()
        except UserError:
            # Everything in a claimed folder is ours. Renamed first: marks of finished tasks without their plan would be
            # taken for those of another corpus.
            remove_folder(out.absolute())
            raise
    _clear(out)


def share(
    recipe: CorpusRecipe, out: Path, workers: int | None, number: int = 0, count: int = 1, *, megatron: bool = False
) -> int:
    """Do the tasks t with t % count == number, beside other processes; who finds all finished completes the corpus.

    Returns how many tasks are not finished, which others have. Raises UserError for bad input; the folder stays, since
    others may be at work in it.
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
    """Have the jobs of a Slurm array share the tasks, and wait for them; `arguments` and `options` are theirs.

    Interrupted, the jobs go on, and the same command waits for them again.
    """
    if is_complete(out):  # by the jobs, while nobody waited
        _clear(out)
        return
    corpus, array = Preparation(recipe, out, megatron), Array(out)
    with claimed(out, corpus.plan, alone=False), locked(out / WORK / "slurm.lock"):
        count = min(workers or _MOST_JOBS, len(corpus.pieces))
        shares = sorted({task % count for task in corpus.tasks.unfinished()})
        job = array.find() or array.submit(arguments, shares or [0], count, options)
    print(f"job {job}; its logs are {array.logs}/{job}_*.log", file=sys.stderr, flush=True)
    hint = f"job {job} goes on (scancel {job} ends it); the same command waits for it again"
    with watch(corpus.progress, corpus.pieces), _interruptible(out, hint):
        array.wait(job)
    if not is_complete(out):
        raise Unfinished(
            f"{out}: job {job} left tasks unfinished; its logs are in {array.logs}; the same command goes on"
        )
    _clear(out)


def _work(corpus: Preparation, workers: int | None, execute: Executor, number: int = 0, count: int = 1) -> None:
    """All that comes before the last step, and of that the share `number` of `count`."""
    if corpus.deduplicates:
        with watch(corpus.progress[:1], corpus.pieces):
            execute(corpus.signing, _own_first(corpus.signing.unfinished(), number, count), workers)
        corpus.find_repeated()
    corpus.make_vocabulary()
    with watch(corpus.progress[-1:], corpus.pieces):
        execute(corpus.tasks, [task for task in corpus.tasks.unfinished() if task % count == number], workers)


def _own_first(tasks: list[int], number: int, count: int) -> list[int]:
    """What all must have before any can go on: nobody waits for a share that has not begun, it is done as well."""
    return sorted(tasks, key=lambda task: task % count != number)


@contextmanager
def _interruptible(
    out: Path, hint: str = "interrupted; the same command goes on from the finished tasks"
) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        raise Unfinished(f"{out}: {hint}") from None


def _on_a_full_disk(corpus: Preparation) -> AbstractContextManager[None]:
    """Whatever was being written appears whole or not at all, so nothing is to be undone."""
    return unfinished_when_disk_is_full(
        lambda: (
            f"{corpus.out}: the disk is full, and about {corpus.missing_bytes() / 1e6:,.1f} MB more are needed; "
            "the same command goes on from the finished tasks"
        )
    )


def _is_new(out: Path) -> bool:
    """Raises UserError for a complete corpus, unless only the clearing up is left of making it."""
    clear_leftovers(out.absolute().parent, out.absolute().name)
    if is_complete(out) and not (out / WORK).exists():
        raise UserError(f"{out}: already holds a complete corpus; name another folder, or delete it")
    if is_complete(out):
        _clear(out)
    return not is_complete(out)


def _clear(out: Path) -> None:
    """Not under the lock: from some shared folders a file that is open cannot be removed."""
    shutil.rmtree(out / WORK, ignore_errors=True)
