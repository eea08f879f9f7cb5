"""A batch holds everything that the model is given: rows, their slots, and every random number of the step.

Letters: B rows, L row length, P slots of a row, K candidates.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from configs.common import randomness
from configs.corruption_table import CorruptionTable
from data_prep.shards import Planes, SpecialTokens
from pretrain.model.sampling import STEPS


@dataclass(frozen=True)
class Batch:
    tokens: Tensor  # [B, L] the original ids
    segments: Tensor  # [B, L] 0 or 1
    positions: Tensor  # [B, L] from 0 in every example
    examples: Tensor  # [B, L] from 1 in every row; 0 is padding
    borders: Tensor  # [N + 1] int32, as `borders_of` gives them
    slots: Tensor  # [B, P] positions in the row; an unfilled slot has position 0, which is never masked
    filled: Tensor  # [B, P] bool, whether the slot is used
    shown: Tensor  # [B, P] the id that the generator sees in the slot: [MASK], a random id, or the original
    uniforms: Tensor  # [B, P, 2] in [0, 1), the random numbers by which a token for the slot is sampled
    candidate_uniforms: Tensor  # [B, P, K, 2] in [0, 1), the random numbers by which candidates are drawn

    @property
    def real(self) -> Tensor:
        """[B, L] bool, which is false on padding."""
        return self.examples > 0

    @property
    def masked_tokens(self) -> Tensor:
        """[B, L], the generator's input."""
        return self.tokens.scatter(1, self.slots, self.shown)

    @property
    def targets(self) -> Tensor:
        """[B, P], the original ids of the slots."""
        return self.tokens.gather(1, self.slots)

    def to(self, device: torch.device) -> Batch:
        return Batch(**{field.name: getattr(self, field.name).to(device, non_blocking=True) for field in _FIELDS})

    def pinned(self) -> Batch:
        """The batch in page-locked memory, from which a copy to a GPU does not wait for the GPU."""
        return Batch(**{field.name: getattr(self, field.name).pin_memory() for field in _FIELDS})


_FIELDS = dataclasses.fields(Batch)


def make_batch(
    rows: NDArray[np.void],
    masks: NDArray[np.bool_],
    keys: NDArray[np.int64],
    *,
    num_slots: int,
    corruption: CorruptionTable,
    special: SpecialTokens,
    vocabulary_size: int,
    seed: int,
    purpose: str,
) -> Batch:
    """A batch of rows [B] with their masking [B, L].

    `keys` [B] and `purpose` select the random numbers of each row. The key of a training row is its position in the
    run, and the key of a held-out row is its number. So the random numbers do not depend on the other rows of the
    batch.
    """
    planes = Planes.of(rows, special)
    slots, filled = _slots(masks, num_slots)
    originals = np.take_along_axis(planes.tokens.astype(np.int64), slots, axis=1)
    numbers = _RandomNumbers(keys, num_slots, seed, purpose)
    real = np.arange(masks.shape[1]) < planes.lengths[:, None]
    examples = np.cumsum(planes.example_start, axis=1) * real
    values: dict[str, Any] = {
        "tokens": planes.tokens.astype(np.int64),
        "segments": planes.segment_b.astype(np.int64),
        "positions": _positions(planes.example_start),
        "examples": examples,
        "borders": borders_of(examples),
        "slots": slots,
        "filled": filled,
        "shown": np.where(filled, numbers.shown(originals, corruption, special.mask, vocabulary_size), originals),
        "uniforms": numbers.uniforms(),
        "candidate_uniforms": numbers.candidate_uniforms(corruption.candidates),
    }
    return Batch(**{name: torch.from_numpy(value) for name, value in values.items()})


@dataclass(frozen=True)
class _RandomNumbers:
    """The random numbers of the slots of a batch. Each is a function of the row's key and the slot alone."""

    keys: NDArray[np.int64]  # [B]
    num_slots: int
    seed: int
    purpose: str

    @property
    def _axes(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        return self.keys[:, None], np.arange(self.num_slots)[None, :]

    def shown(
        self, originals: NDArray[np.int64], corruption: CorruptionTable, mask_id: int, vocabulary_size: int
    ) -> NDArray[np.int64]:
        """[B, P], the id that the generator sees in each slot if the slot is filled."""
        kind = randomness.uniform(self.seed, f"{self.purpose}: what a slot shows", *self._axes)
        bits = randomness.bits(self.seed, f"{self.purpose}: random ids", *self._axes)
        random_ids = (bits % np.uint64(vocabulary_size)).astype(np.int64)
        choices = [kind < corruption.mask, kind < corruption.mask + corruption.random]
        return np.select(choices, [mask_id, random_ids], originals)

    def uniforms(self) -> NDArray[np.float32]:
        """[B, P, 2]"""
        axes = (axis[:, :, None] for axis in self._axes)
        return randomness.uniform(self.seed, f"{self.purpose}: samples", *axes, np.arange(STEPS))

    def candidate_uniforms(self, num_candidates: int) -> NDArray[np.float32]:
        """[B, P, K, 2]"""
        axes = (axis[:, :, None, None] for axis in self._axes)
        candidates = np.arange(num_candidates)[:, None]
        return randomness.uniform(self.seed, f"{self.purpose}: candidates", *axes, candidates, np.arange(STEPS))


def borders_of(examples: NDArray[np.int64]) -> NDArray[np.int32]:
    """[N + 1], the places where examples and paddings begin when the rows [B, L] are laid end to end, and then the end.

    The end is repeated until N is a power of two, so that a compiler meets few shapes. Each repetition is an example
    without tokens.
    """
    begins = np.ones(examples.shape, np.bool_)
    begins[:, 1:] = examples[:, 1:] != examples[:, :-1]
    places = np.flatnonzero(begins)
    num_examples = 1 << (len(places) - 1).bit_length()
    borders = np.full(num_examples + 1, examples.size, np.int32)
    borders[: len(places)] = places
    return borders


def _slots(masks: NDArray[np.bool_], num_slots: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The masked positions of each row in order, [B, P], and whether each slot is filled, [B, P]."""
    counts = masks.sum(axis=1)
    assert counts.max(initial=0) <= num_slots, "a masking has more positions than the recipe has slots"
    filled = np.arange(num_slots) < counts[:, None]
    slots = np.zeros((len(masks), num_slots), np.int64)
    slots[filled] = np.nonzero(masks)[1]
    return slots, filled


def _positions(example_start: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The position of each token, [B, L], counted from 0 at the start of its example."""
    index = np.broadcast_to(np.arange(example_start.shape[1]), example_start.shape)
    return index - np.maximum.accumulate(np.where(example_start, index, 0), axis=1)
