"""The batches of a step for one process, prepared while the previous step is computed."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

import numpy as np

from configs.corpus_tables import MaskingTable
from configs.recipe import Recipe
from configs.share import micro_rows_by_batch
from data_prep.shards import Corpus, Split
from pretrain.model.batch import Batch, make_batch
from pretrain.step.order import rows_at
from pretrain.step.world import World


class Loader:
    """Reads rows of a corpus as batches. The same step has the same rows on any number of processes.

    Step 0 begins at position `first_row` of the order of rows, after `earlier_updates` updates of earlier runs, which
    count where the masking rate falls.
    """

    def __init__(self, corpus: Corpus, recipe: Recipe, world: World, first_row: int = 0, earlier_updates: int = 0):
        self._corpus, self._recipe = corpus, recipe
        self._first_row, self._earlier_updates = first_row, earlier_updates
        self._world, self._micro_rows = world, micro_rows_by_batch(recipe, world.size)
        self._pins = world.device.type == "cuda"
        self._num_rows = corpus.num_rows("train")
        self._thread = ThreadPoolExecutor(1)
        self._ahead: tuple[int, Future[list[Batch]]] | None = None

    def step(self, step: int) -> list[Batch]:
        """This process's micro-batches of step `step`. The next step is then read in the background."""
        ahead = self._ahead
        batches = ahead[1].result() if ahead and ahead[0] == step else self._read(step)
        self._ahead = (step + 1, self._thread.submit(self._read, step + 1))
        return batches

    def __enter__(self) -> Loader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown(cancel_futures=True)

    def _read(self, step: int) -> list[Batch]:
        """Read this process's micro-batches of a step.

        Micro-batches that the processes compute at the same time are neighbours in the order of rows, so that a group
        stays together.
        """
        batch = self._recipe.batch
        rows, first = batch.rows_at(step), self._first_row + batch.rows_before(step)
        micro = self._micro_rows[rows]
        starts = range(first + self._world.rank * micro, first + rows, self._world.size * micro)
        masking = self._recipe.masking_at(self._earlier_updates + step)
        return [self._micro_batch(np.arange(start, start + micro), masking) for start in starts]

    def _micro_batch(self, positions: np.ndarray, masking: MaskingTable) -> Batch:
        numbers, epochs = rows_at(positions, self._num_rows, self._recipe.seed, self._recipe.batch.order)
        batch = batch_of(self._corpus, self._recipe, "train", numbers, epochs, positions, masking)
        return batch.pinned() if self._pins else batch


def batch_of(
    corpus: Corpus,
    recipe: Recipe,
    split: Split,
    numbers: np.ndarray,
    epochs: np.ndarray,
    keys: np.ndarray,
    masking: MaskingTable | None = None,
) -> Batch:
    """A batch of the rows `numbers` of a split, with the maskings of their `epochs`.

    `masking` is the table with the rate of the step, which is by default the rate of the corpus.
    `keys` select the random numbers of the rows. With two views, every row appears twice, and all rows of the first
    view come before all rows of the second view. Each view has its own maskings and random numbers.
    """
    views, view = recipe.batch.views, np.arange(recipe.batch.views)[:, None]
    numbers, maskings, keys = np.tile(numbers, views), (epochs * views + view).ravel(), (keys * views + view).ravel()
    rows, masks = corpus.read_masked(split, numbers, maskings, masking.rate if masking else None)
    return make_batch(
        rows,
        masks,
        keys,
        num_slots=(masking or recipe.masking).slots(recipe.data.row_length),
        corruption=recipe.corruption,
        special=corpus.special,
        vocabulary_size=recipe.vocabulary.size,
        seed=recipe.seed,
        purpose=split,
    )


def held_out_numbers(corpus: Corpus, num_rows: int, seed: int) -> np.ndarray:
    """The numbers of `num_rows` held-out rows from all shards. They are always the same.

    They are not simply the first rows, because those would all come from a single source.
    """
    return rows_at(np.arange(num_rows), corpus.num_rows("validation"), seed)[0]


def held_out_batch(corpus: Corpus, recipe: Recipe, numbers: np.ndarray) -> Batch:
    """A batch of held-out rows with the maskings of epoch 0. The number of a row selects its random numbers."""
    return batch_of(corpus, recipe, "validation", numbers, np.zeros_like(numbers), numbers)
