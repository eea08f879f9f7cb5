"""Scores of the pair on held-out rows: the same rows, masks and samples every time, on any number of processes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from configs.recipe import Recipe
from data_prep.shards import Corpus
from pretrain.model.batch import Batch
from pretrain.model.pair import ElectraPair
from pretrain.step.loader import held_out_batch, held_out_numbers
from pretrain.step.world import World
from pretrain.watch.placements import area

# The discriminator's logits are counted in bins, which add up over processes. This number keeps three digits of AUC.
_BINS, _PER_UNIT = 4096, 128


@torch.no_grad()
@torch.compiler.set_stance("force_eager")  # the last batch has fewer rows, and every new shape would be compiled
def evaluate(
    pair: ElectraPair, corpus: Corpus, recipe: Recipe, world: World, dtype: torch.dtype, num_rows: int
) -> dict[str, float]:
    """Compute losses and scores over at most `num_rows` held-out rows. The result is empty when there are none."""
    num_rows = min(num_rows, corpus.num_rows("validation"))
    if not num_rows:
        return {}
    pair.eval()
    names = list(pair.objectives)
    sums = torch.zeros(2 * len(names) + 3, dtype=torch.float64, device=world.device)
    histogram = torch.zeros(2, _BINS, dtype=torch.float64, device=world.device)
    for batch in _batches(corpus, recipe, world, num_rows):
        counts = pair.counts([batch])
        batch = batch.to(world.device)
        with torch.autocast(world.device.type, torch.bfloat16, enabled=dtype == torch.bfloat16):
            output = pair(batch, counts)
            if pair.detection:
                logits = pair.detection.logits(output.forward.states).float()
                histogram += _histogram(logits, output.forward.replaced, batch.real)
        measured = torch.stack([*output.sums.values(), *output.forward.slot_counts()]).double()
        sums += torch.cat([measured, measured.new_tensor(list(counts.values()))])
    world.sum(sums)
    world.sum(histogram)
    losses, (slots, correct, original), counts = np.split(sums.cpu().numpy(), [len(names), len(names) + 3])
    scores = {
        f"{name}_loss": float(loss / max(1, count)) for name, loss, count in zip(names, losses, counts, strict=True)
    }
    scores |= {"masked_accuracy": correct / max(1, slots), "sampled_accuracy": original / max(1, slots)}
    return scores | (_detection(histogram.cpu().numpy()) if pair.detection else {})


def _batches(corpus: Corpus, recipe: Recipe, world: World, num_rows: int) -> Iterator[Batch]:
    """Yield this process's share of the rows, in whole groups. A last, incomplete group is a batch of its own.

    A group is never spread over processes, because they have different numbers of groups. It fits on one process,
    because without gradients its rows take only a fraction of the memory that training takes.
    """
    chosen = held_out_numbers(corpus, num_rows, recipe.seed)
    size = recipe.batch.group_rows
    groups = [chosen[start : start + size] for start in range(0, num_rows, size)]
    mine = groups[world.rank :: world.size]
    at_once = max(1, recipe.batch.micro_rows // size)
    num_whole = sum(len(group) == size for group in mine)
    borders = [*range(0, num_whole, at_once), num_whole, len(mine)]
    for start, end in pairwise(borders):
        if start < end:
            yield held_out_batch(corpus, recipe, np.concatenate(mine[start:end]))


def _histogram(logits: Tensor, replaced: Tensor, real: Tensor) -> Tensor:
    """Count original and replaced tokens by their logit, [2, bins]. The border between the two middle bins is 0.

    A logit of NaN, which a diverged pair gives, counts as 0.
    """
    bins = (logits.nan_to_num(0) * _PER_UNIT).floor().clamp(-_BINS // 2, _BINS // 2 - 1).long() + _BINS // 2
    flat = (replaced.long() * _BINS + bins)[real]
    return flat.bincount(minlength=2 * _BINS).view(2, _BINS).double()


def _detection(histogram: np.ndarray) -> dict[str, float]:
    """Compute the scores of replaced token detection. A token is called replaced when its logit is not negative."""
    original, replaced = histogram
    middle = _BINS // 2
    hits, alarms = replaced[middle:].sum(), original[middle:].sum()
    total = histogram.sum()
    return {
        "replaced_share": float(replaced.sum() / total),
        "auc": area(original, replaced),
        "accuracy": float((hits + original[:middle].sum()) / total),
        "precision": float(hits / max(1, hits + alarms)),
        "recall": float(hits / max(1, replaced.sum())),
    }
