"""Evaluation of the pair on held-out rows: the same rows, masks and samples every time, on any number of processes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from configs.recipe import Recipe
from data_prep.shards import Corpus
from pretrain.model.batch import Batch
from pretrain.model.pair import Counts, ElectraPair, PairOutput
from pretrain.step.compilation import uncompiled
from pretrain.step.loader import held_out_batch, held_out_numbers
from pretrain.step.world import World
from pretrain.watch import detection, entropy
from pretrain.watch.excerpts import NUM_ROWS, Excerpts


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation found. It is the same in all processes."""

    scores: dict[str, float]
    entropies: NDArray[np.float64]  # [bins], as `count_entropies` counts the slots
    logits: NDArray[np.float64] | None  # [2, bins], as `count_logits` counts the tokens
    excerpts: Excerpts


@torch.no_grad()
def evaluate(
    pair: ElectraPair, corpus: Corpus, recipe: Recipe, world: World, dtype: torch.dtype, num_rows: int
) -> Evaluation | None:
    """Evaluate the pair on at most `num_rows` held-out rows. The result is None when there are none."""
    num_rows = min(num_rows, corpus.num_rows("validation"))
    if not num_rows:
        return None
    pair.eval()
    tally = _Tally(pair, corpus, recipe, world, num_rows)
    # The last batch has fewer rows, and every new shape would be compiled.
    with uncompiled(recipe.compute.compile):
        for numbers, batch in _batches(corpus, recipe, world, num_rows):
            counts = pair.counts([batch])
            with torch.autocast(world.device.type, torch.bfloat16, enabled=dtype == torch.bfloat16):
                output = pair(batch.to(world.device), counts)
                logits = pair.detection.logits(output.forward.states).float() if pair.detection else None
            tally.add(numbers, output, logits, counts)
    return tally.over_all_processes()


class _Tally:
    """The sums and counts of an evaluation, and the rows that are shown."""

    def __init__(self, pair: ElectraPair, corpus: Corpus, recipe: Recipe, world: World, num_rows: int):
        shown = held_out_numbers(corpus, min(NUM_ROWS, num_rows), recipe.seed)
        self._names, self._detects, self._world = list(pair.objectives), pair.detection is not None, world
        self._vocabulary_size = recipe.vocabulary.size
        self._excerpts = Excerpts(shown, recipe.data.row_length, world, detects=self._detects)
        shapes = ((2 * len(self._names) + 3,), (self._vocabulary_size,), (entropy.BINS,), (2, detection.BINS))
        zeros = (torch.zeros(shape, dtype=torch.float64, device=world.device) for shape in shapes)
        self._sums, self._originals, self._entropies, self._logits = zeros

    def add(self, numbers: NDArray[np.int64], output: PairOutput, logits: Tensor | None, counts: Counts) -> None:
        """Add a batch, whose first rows are `numbers`. The logits [B, L] are the discriminator's."""
        forward = output.forward
        measured = torch.stack([*output.sums.values(), *forward.slot_counts()]).double()
        self._sums += torch.cat([measured, measured.new_tensor(list(counts.values()))])
        originals = forward.batch.targets[forward.batch.filled]
        self._originals += originals.bincount(minlength=len(self._originals))
        log_probs = forward.slot_log_probs[:, :, : self._vocabulary_size]
        self._entropies += entropy.count_entropies(log_probs, forward.batch.filled)
        if logits is not None:
            self._logits += detection.count_logits(logits, forward.replaced, forward.batch.real)
        self._excerpts.add(numbers, forward, logits)

    def over_all_processes(self) -> Evaluation:
        """Sum over processes, which all call it."""
        sums, originals, entropies, logits = (
            self._world.sum(tensor).cpu().numpy()
            for tensor in (self._sums, self._originals, self._entropies, self._logits)
        )
        self._excerpts.share(self._world)
        scores = _scores(self._names, sums, originals) | (detection.detection_scores(logits) if self._detects else {})
        return Evaluation(scores, entropies, logits if self._detects else None, self._excerpts)


def _scores(names: list[str], sums: NDArray[np.float64], originals: NDArray[np.float64]) -> dict[str, float]:
    """Compute mean losses and the generator's scores from sums and the counts of original tokens, of all processes."""
    losses, (slots, correct, original), counts = np.split(sums, [len(names), len(names) + 3])
    means = {
        f"{name}_loss": float(loss / max(1, count)) for name, loss, count in zip(names, losses, counts, strict=True)
    }
    return means | {
        "masked_accuracy": correct / max(1, slots),
        "sampled_accuracy": original / max(1, slots),
        "commonest_share": originals.max() / max(1, slots),  # the accuracy of always saying the most frequent token
    }


def _batches(corpus: Corpus, recipe: Recipe, world: World, num_rows: int) -> Iterator[tuple[NDArray[np.int64], Batch]]:
    """Yield the numbers of this process's share of the rows, in whole groups, and a batch of these rows.

    A last, incomplete group is a batch of its own. A group is never spread over processes, because they have different
    numbers of groups. It fits on one process, because without gradients its rows take only a fraction of the memory
    that training takes.
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
            numbers = np.concatenate(mine[start:end])
            yield numbers, held_out_batch(corpus, recipe, numbers)
