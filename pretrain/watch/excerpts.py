"""Excerpts of held-out rows as text: the same rows in every evaluation, on any number of processes.

Letters: B rows, L row length.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pretrain.model.objectives import Forward
from pretrain.run.samples import SampleRow, Slot
from pretrain.step.world import World

NUM_ROWS = 4
# More tokens of a row than this are not read by anybody.
_MOST_TOKENS = 128
_DIGITS = 4


class Excerpts:
    """Collects the beginnings of the rows `numbers` from the batches of an evaluation."""

    def __init__(self, numbers: NDArray[np.int64], row_length: int, world: World, *, detects: bool):
        self._numbers, self._detects = numbers, detects
        self._length = min(row_length, _MOST_TOKENS)
        # Each row is on one process. In the others its values are 0, so that a sum over processes collects them.
        self._values = torch.zeros(len(numbers), 6, self._length, dtype=torch.float64, device=world.device)

    def add(self, numbers: NDArray[np.int64], forward: Forward, logits: Tensor | None) -> None:
        """Take the rows that are wanted from a batch, whose first rows are `numbers`. `logits` are [B, L]."""
        for place in np.flatnonzero(np.isin(self._numbers, numbers)):
            row = int(np.flatnonzero(numbers == self._numbers[place])[0])
            self._values[place] = _values_of(forward, logits, row)[:, : self._length]

    def share(self, world: World) -> None:
        """Collect the rows from all processes, which all call it."""
        world.sum(self._values)

    def rows(self, vocabulary: Sequence[str]) -> tuple[SampleRow, ...]:
        """Return the rows with their ids as entries of the vocabulary."""
        return tuple(
            _sample_row(int(number), values, vocabulary, detects=self._detects)
            for number, values in zip(self._numbers, self._values.cpu().numpy(), strict=True)
        )


def _values_of(forward: Forward, logits: Tensor | None, row: int) -> Tensor:
    """[6, L]: the original, shown and put ids, whether a token is real, whether it has a slot, and its suspicion."""
    batch, slots = forward.batch, forward.batch.slots[row]
    tokens, filled = batch.tokens[row], batch.filled[row]
    put = tokens.scatter(0, slots, torch.where(filled, forward.sampled[row], batch.targets[row]))
    has_slot = torch.zeros_like(tokens, dtype=torch.bool).scatter(0, slots, filled)
    suspicion = torch.zeros_like(tokens).double() if logits is None else logits[row].double().sigmoid()
    ids = (tokens, batch.masked_tokens[row], put)
    return torch.stack([*(plane.double() for plane in (*ids, batch.real[row], has_slot)), suspicion])


def _sample_row(number: int, values: NDArray[np.float64], vocabulary: Sequence[str], *, detects: bool) -> SampleRow:
    values = values[:, : int(values[3].sum())]  # padding comes last
    tokens, shown, put = ([str(vocabulary[token]) for token in ids] for ids in values[:3].astype(np.int64))
    places = np.flatnonzero(values[4])
    suspicion = tuple(round(float(share), _DIGITS) if math.isfinite(share) else None for share in values[5])
    return SampleRow(
        row=number,
        tokens=tuple(tokens),
        slots=tuple(Slot(position=int(place), shown=shown[place], put=put[place]) for place in places),
        suspicion=suspicion if detects else None,
    )
