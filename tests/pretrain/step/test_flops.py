"""Model FLOPs against the published convention, and work counted from real batches."""

from __future__ import annotations

import numpy as np
import pytest

from configs.load import load
from configs.recipe import Recipe
from data_prep.shards import Corpus
from pretrain.step.flops import Work, model_flops, work_of
from pretrain.step.loader import batch_of


@pytest.mark.parametrize(
    ("name", "length", "rate", "mflop_per_token"),
    [("small", 128, 0.15, 70.2), ("small", 512, 0.15, 87.9), ("base", 128, 0.15, 611), ("base", 512, 0.15, 668),
     ("large", 512, 0.25, 2169)],
)  # fmt: skip
def test_flops_per_token(name: str, length: int, rate: float, mflop_per_token: float) -> None:
    """Full rows of one example; figures from the project's table of published shapes."""
    rows = 1000
    work = Work(tokens=rows * length, slots=round(rows * length * rate), squares=rows * length**2)
    assert model_flops(load(name), work) / work.tokens / 1e6 == pytest.approx(mflop_per_token, rel=0.005)


def test_work_is_counted_within_examples(corpus: Corpus, small_recipe: Recipe) -> None:
    numbers = np.arange(corpus.num_rows("train"))
    batch = batch_of(corpus, small_recipe, "train", numbers, np.zeros_like(numbers), numbers)
    lengths = [int((row == example).sum()) for row in batch.examples for example in range(1, int(row.max()) + 1)]
    work = work_of([batch])
    assert work.tokens == sum(lengths)
    assert work.squares == sum(length**2 for length in lengths)
    assert work.slots == int(batch.filled.sum())
