"""Scores of the pair on held-out rows: the same rows, masks and samples every time, on any number of processes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import torch

from configs.recipe import Recipe
from data_prep.shards import Corpus
from pretrain.model.batch import Batch
from pretrain.model.pair import ElectraPair
from pretrain.step.loader import held_out_batch, held_out_numbers
from pretrain.step.world import World
from pretrain.watch.detection import BINS, count_logits, detection_scores


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
    histogram = torch.zeros(2, BINS, dtype=torch.float64, device=world.device)
    for batch in _batches(corpus, recipe, world, num_rows):
        counts = pair.counts([batch])
        batch = batch.to(world.device)
        with torch.autocast(world.device.type, torch.bfloat16, enabled=dtype == torch.bfloat16):
            output = pair(batch, counts)
            if pair.detection:
                logits = pair.detection.logits(output.forward.states).float()
                histogram += count_logits(logits, output.forward.replaced, batch.real)
        measured = torch.stack([*output.sums.values(), *output.forward.slot_counts()]).double()
        sums += torch.cat([measured, measured.new_tensor(list(counts.values()))])
    world.sum(sums)
    world.sum(histogram)
    losses, (slots, correct, original), counts = np.split(sums.cpu().numpy(), [len(names), len(names) + 3])
    scores = {
        f"{name}_loss": float(loss / max(1, count)) for name, loss, count in zip(names, losses, counts, strict=True)
    }
    scores |= {"masked_accuracy": correct / max(1, slots), "sampled_accuracy": original / max(1, slots)}
    return scores | (detection_scores(histogram.cpu().numpy()) if pair.detection else {})


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
