"""The choice of masked positions in a row: units are drawn without replacement, up to a quota.

A unit is a group of positions that are masked together: a token, a whole word, a term, or a run of words.
Letters in shapes: R rows, L row length.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from configs.common import randomness
from configs.corpus_tables import MaskingTable
from data_prep.rows import Planes


def quotas(lengths: NDArray[np.integer], masking: MaskingTable, row_length: int) -> NDArray[np.int64]:
    """Return the quota of masked positions of each row, [R]: min(P, max(1, round(rate * real tokens))).

    P is the number of slots of a row. Halves are rounded to even. The count of real tokens includes [CLS] and [SEP]
    (google-research/electra, pretrain_helpers.py).
    """
    wanted = np.round(np.float32(masking.rate) * lengths.astype(np.float32)).astype(np.int64)
    return np.minimum(masking.slots(row_length), np.maximum(1, wanted))


def draw(
    planes: Planes, masking: MaskingTable, seed: int, purpose: str, *counters: int | NDArray[np.integer]
) -> NDArray[np.bool_]:
    """Draw a masking of the rows, bool [R, L].

    `counters` identify the rows: each counter is an int or [R, 1], and the last is [R, 1]. The same seed, purpose and
    counters give the same masking, in training as in preparation. Special tokens are never chosen. A word that would
    exceed the quota is skipped, so words stay whole.
    """
    return Drawer(planes, masking).draw(seed, purpose, *counters)


class Drawer:
    """Draws several maskings of the same rows. Quotas and units do not depend on the counters and are computed once."""

    def __init__(self, planes: Planes, masking: MaskingTable):
        self._planes, self._masking = planes, masking
        row_length = planes.tokens.shape[1]
        self._positions = np.arange(row_length)[None, :]
        self._quotas = quotas(planes.lengths, masking, row_length)
        match masking.scheme:
            case "token":
                self._units = _Tokens(planes.maskable, self._quotas)
            case "whole_word" | "terms":
                self._units = _Units(_numbered(planes.word_start), planes.maskable, self._quotas)
            case "span":
                self._units = None

    def draw(self, seed: int, purpose: str, *counters: int | NDArray[np.integer]) -> NDArray[np.bool_]:
        """Draw a masking of the rows, bool [R, L], as the function `draw` describes."""
        where = (*counters, self._positions)
        units = self._units or self._spans(randomness.uniform(seed, f"{purpose} spans", *where))
        return units.choose(randomness.bits(seed, purpose, *where))

    def _spans(self, chances: NDArray[np.float32]) -> _Units:
        spans = _spans(self._planes, chances < 1 / self._masking.mean_span)
        return _Units(spans, self._planes.maskable, self._quotas)


def _numbered(starts: NDArray[np.bool_]) -> NDArray[np.integer]:
    """Return the unit number of each position, [R, L], given the positions at which units begin."""
    return np.cumsum(starts, axis=1, dtype=np.int32) - 1


def _spans(planes: Planes, ends: NDArray[np.bool_]) -> NDArray[np.integer]:
    """Return the unit number of each position, [R, L], when the units are runs of whole words.

    Before every word, the current run ends with the same probability, so the length of a run is geometric. [CLS] and
    [SEP] start words, so no word crosses them. A run does not cross them either.
    """
    behind_special = np.zeros_like(planes.maskable)
    behind_special[:, 1:] = planes.maskable[:, 1:] & ~planes.maskable[:, :-1]
    # An example may begin with the rest of a word that was cut.
    return _numbered((planes.word_start & ends) | behind_special)


class _Tokens:
    """Units of one position each. The positions with the smallest keys are chosen, as many as the quota of the row."""

    def __init__(self, present: NDArray[np.bool_], quotas: NDArray[np.int64]):
        self._present, self._quotas = present, quotas
        self._low_bits = _low_bits(present)

    def choose(self, keys: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Return the chosen positions, bool [R, L]. Overwrites the random `keys` [R, L]."""
        _make_distinct(keys, self._low_bits)
        in_order = np.sort(keys, axis=1)
        last_taken = in_order[np.arange(len(keys)), self._quotas - 1]
        return (keys <= last_taken[:, None]) & self._present & (self._quotas > 0)[:, None]


class _Units:
    """Units of several positions. They are chosen in the order of their keys, as long as they fit the row's quota.

    `units` [R, L] holds the unit number of each position, counted in its row. It is -1 before the first unit, and such
    positions are never chosen. `present` [R, L] marks the positions that may be chosen. `quotas` is [R].
    """

    def __init__(self, units: NDArray[np.integer], present: NDArray[np.bool_], quotas: NDArray[np.int64]):
        rows, row_length = units.shape
        self._units, self._present, self._quotas = units, present & (units >= 0), quotas
        flat = (np.arange(rows)[:, None] * row_length + units)[self._present]
        self._sizes = np.bincount(flat, minlength=rows * row_length).reshape(rows, row_length)
        self._low_bits = _low_bits(self._sizes > 0)

    def choose(self, keys: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Return the positions of the chosen units, bool [R, L].

        `keys` [R, L] holds a random key for each unit number, and is overwritten.
        """
        _make_distinct(keys, self._low_bits)
        keys.sort(axis=1)
        order = (keys & _number_bits(keys)).astype(np.int64)
        taken = np.empty(keys.shape, bool)
        fitting = _fitting(np.take_along_axis(self._sizes, order, axis=1), self._quotas)
        np.put_along_axis(taken, order, fitting, axis=1)
        return self._present & np.take_along_axis(taken, self._units, axis=1)


def _fitting(sizes: NDArray[np.int64], quotas: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which units are chosen, bool [R, L], given the sizes [R, L] of the units in the order of their keys."""
    taken = np.zeros(sizes.shape[::-1], bool)
    room = quotas.copy()
    for rank, size in enumerate(np.ascontiguousarray(sizes.T)):
        np.less_equal(size, room, out=taken[rank])
        room -= size * taken[rank]
        if not room.any():
            break
    return taken.T


def _low_bits(present: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Return the bits that make keys distinct: the number of the unit, in the lowest bits.

    Where `present` is false there is no unit. All higher bits are set there, so that these keys are sorted last.
    """
    numbers = np.arange(present.shape[1], dtype=np.uint64)
    return np.where(present, numbers, ~_number_bits(present) | numbers)


def _make_distinct(keys: NDArray[np.uint64], low_bits: NDArray[np.uint64]) -> None:
    """Change the keys in place, so that no two keys of a row are equal and each key contains the number of its unit."""
    keys &= ~_number_bits(keys)
    keys |= low_bits


def _number_bits(of_units: NDArray) -> np.uint64:
    return np.uint64(2 ** (of_units.shape[1] - 1).bit_length() - 1)
