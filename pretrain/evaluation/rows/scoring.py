"""The predictions of a pair for each held-out row: the masked tokens, and whether each token was replaced.

Letters: R rows, N real tokens of all rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from configs.common.errors import UserError
from configs.recipe import Recipe
from data_prep.shards import Corpus
from pretrain.model.batch import Batch
from pretrain.model.pair import ElectraPair
from pretrain.step.loader import held_out_batch, held_out_numbers


@dataclass(frozen=True)
class RowMeasures:
    """Counts and sums of each row [R], and the measures of each token [N].

    `logits` are None if there is no discriminator.
    """

    number: NDArray[np.int64]  # [R] the number of the row among the held-out rows of the corpus
    slots: NDArray[np.float64]  # [R] number of masked tokens
    predicted: NDArray[np.float64]  # [R] number of masked tokens that the generator predicts
    surprise: NDArray[np.float64]  # [R] sum of -log p of the masked tokens, in nats
    row: NDArray[np.int64]  # [N]
    original: NDArray[np.int64]  # [N] the token of the text
    corrupted: NDArray[np.int64]  # [N] the token that the discriminator sees, which the generator may have replaced
    logits: NDArray[np.float64] | None  # [N], positive where the discriminator suspects a replacement

    @property
    def replaced(self) -> NDArray[np.bool_]:
        """[N]"""
        return self.original != self.corrupted


@torch.no_grad()
def measure(pair: ElectraPair, recipe: Recipe, corpus: Corpus, num_rows: int | None, *, detects: bool) -> RowMeasures:
    """Measure `pair` on all held-out rows, or on `num_rows` drawn from them; the draws are always the same.

    Raises UserError when fewer than two rows are held out, since an interval needs two.
    """
    total = corpus.num_rows("validation")
    num_rows = min(num_rows or total, total)
    if num_rows < 2:
        raise UserError(
            f"{corpus.folder}: {num_rows} held-out rows are scored, and intervals need two; prepare it with a higher "
            "data.validation_share, or ask for more --rows"
        )
    # The rows are read in the order of their numbers, so that neighbours on the disk are read together.
    numbers = np.sort(held_out_numbers(corpus, num_rows, recipe.seed))
    batches = [_measure(pair, batch, detects) for batch in _batches(recipe, corpus, numbers, _device(pair))]
    slots, predicted, surprise, lengths, original, corrupted, *logits = (
        torch.cat(values).double().cpu().numpy() for values in zip(*batches, strict=True)
    )
    return RowMeasures(
        number=numbers,
        slots=slots,
        predicted=predicted,
        surprise=surprise,
        row=np.repeat(np.arange(num_rows), lengths.astype(np.int64)),
        original=original.astype(np.int64),
        corrupted=corrupted.astype(np.int64),
        logits=logits[0] if detects else None,
    )


def _measure(pair: ElectraPair, batch: Batch, detects: bool) -> list[Tensor]:
    """Return slots, predictions, surprise and lengths [B], then originals, corruptions and logits of the tokens."""
    forward = pair(batch, pair.counts([batch])).forward
    filled, targets = batch.filled, batch.targets
    predicted = (forward.slot_log_probs.argmax(-1) == targets) & filled
    by_row = [filled.sum(1), predicted.sum(1), -(forward.log_likelihoods.double() * filled).sum(1), batch.real.sum(1)]
    corrupted = batch.tokens.scatter(1, batch.slots, torch.where(filled, forward.sampled, targets))
    by_token = [batch.tokens[batch.real], corrupted[batch.real]]
    if detects:
        assert pair.detection is not None
        by_token.append(pair.detection.logits(forward.states)[batch.real])
    return by_row + by_token


def _batches(recipe: Recipe, corpus: Corpus, numbers: NDArray[np.int64], device: torch.device) -> Iterator[Batch]:
    for start in range(0, len(numbers), recipe.batch.micro_rows):
        yield held_out_batch(corpus, recipe, numbers[start : start + recipe.batch.micro_rows]).to(device)


def _device(pair: ElectraPair) -> torch.device:
    return next(pair.parameters()).device
