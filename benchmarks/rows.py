"""Batches for the benchmarks of a training step."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from configs.recipe import Recipe
from data_prep.shards import Corpus
from pretrain.model.batch import Batch, borders_of
from pretrain.model.sampling import STEPS
from pretrain.step.loader import batch_of


def full_rows(recipe: Recipe) -> Batch:
    """Return rows of one example each, of random tokens, with every slot filled."""
    rows, length = recipe.batch.micro_rows, recipe.data.row_length
    num_slots = recipe.masking.slots(length)
    draw = torch.Generator().manual_seed(0)
    tokens = torch.randint(1000, recipe.vocabulary.size, (rows, length), generator=draw)
    slots = (torch.rand(rows, length - 2, generator=draw).argsort(1)[:, :num_slots] + 1).sort(1).values
    return Batch(
        tokens=tokens,
        segments=torch.zeros_like(tokens),
        positions=torch.arange(length).expand_as(tokens),
        examples=torch.ones_like(tokens),
        borders=torch.from_numpy(borders_of(np.ones(tokens.shape, np.int64))),
        slots=slots,
        filled=torch.ones_like(slots, dtype=torch.bool),
        shown=torch.full_like(slots, 103),
        uniforms=torch.rand(*slots.shape, STEPS, generator=draw),
        candidate_uniforms=torch.empty(*slots.shape, 0, STEPS),
    )


def real_rows(recipe: Recipe, corpus: Path) -> Batch:
    """Return rows from all over a corpus, since the first rows all come from one document."""
    opened = Corpus(corpus)
    numbers = np.linspace(0, opened.num_rows("train") - 1, recipe.batch.micro_rows).astype(np.int64)
    return batch_of(opened, recipe, "train", numbers, np.zeros_like(numbers), numbers)
