"""Make forward passes by hand, in which only the tensors that a test names differ from zero."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from pretrain.model.batch import Batch
from pretrain.model.objectives import Forward

VOCABULARY = 8


def batch_by_hand(tokens: list[list[int]], slots: list[list[int]], filled: list[list[int]], pad: int = 0) -> Batch:
    """Return a batch whose tokens with the id `pad` are padding, and in which each row is a single example."""
    ids = torch.tensor(tokens)
    num_rows, num_slots = len(slots), len(slots[0])
    return Batch(
        tokens=ids,
        segments=torch.zeros_like(ids),
        positions=torch.arange(ids.shape[1]).expand_as(ids),
        examples=(ids != pad).long(),
        borders=torch.arange(0, ids.numel() + 1, ids.shape[1], dtype=torch.int32),
        slots=torch.tensor(slots),
        filled=torch.tensor(filled, dtype=torch.bool),
        shown=torch.zeros(num_rows, num_slots, dtype=torch.long),
        uniforms=torch.zeros(num_rows, num_slots, 2),
        candidate_uniforms=torch.zeros(num_rows, num_slots, 0, 2),
    )


def forward_by_hand(batch: Batch, hidden: int = 1, **tensors: Tensor) -> Forward:
    num_rows, num_slots = batch.slots.shape
    zeros: dict[str, Any] = {
        "slot_log_probs": torch.zeros(num_rows, num_slots, VOCABULARY),
        "log_likelihoods": torch.zeros(num_rows, num_slots),
        "sampled": batch.targets,
        "candidates": torch.zeros(num_rows, num_slots, 0, dtype=torch.long),
        "replaced": torch.zeros_like(batch.real),
        "states": torch.zeros(*batch.tokens.shape, hidden),
        "word_table": torch.zeros(VOCABULARY, hidden),
    }
    return Forward(batch=batch, **(zeros | tensors))
