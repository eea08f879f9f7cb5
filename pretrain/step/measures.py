"""The measurements of an optimizer step, which are computed only for steps that are logged."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from pretrain.model.pair import Counts, PairOutput


@dataclass(frozen=True)
class Measures:
    """Measurements of one optimizer step over the whole batch."""

    losses: dict[str, float]  # each objective's mean, unweighted
    total: float  # the weighted sum
    gradient_norm: float  # before clipping
    part_norms: dict[str, float]  # the norm of the gradient of each part of the pair, before clipping
    masked_accuracy: float  # share of slots at which the most likely token is the original
    sampled_accuracy: float  # share of slots at which the sampled token is the original
    replaced_share: float  # share of tokens that the generator replaced
    skipped_steps: int  # steps of the run so far that changed nothing, because their loss or gradient was not finite


def sums_of(output: PairOutput) -> Tensor:
    """[objectives + 4]: each loss, the weighted total, the numbers of slots, right predictions and right samples."""
    return torch.stack([*output.sums.values(), output.loss.detach(), *output.forward.slot_counts()]).double()


def measures_of(
    counts: Counts, num_tokens: float, sums: Tensor, norm: Tensor, part_norms: dict[str, Tensor], skipped_steps: int
) -> Measures:
    """Compute the measurements from sums over all processes. It waits for the device."""
    *losses, total, slots, correct, original = sums.tolist()
    return Measures(
        losses={name: value / max(1.0, count) for (name, count), value in zip(counts.items(), losses, strict=True)},
        total=total,
        gradient_norm=float(norm),
        part_norms={part: float(value) for part, value in part_norms.items()},
        masked_accuracy=correct / max(1.0, slots),
        sampled_accuracy=original / max(1.0, slots),
        replaced_share=(slots - original) / max(1.0, num_tokens),
        skipped_steps=skipped_steps,
    )
