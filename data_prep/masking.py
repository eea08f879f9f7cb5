"""Which positions of a row are predicted: masked units, chosen without replacement, up to a quota.

Letters: R rows, L row length. A unit is what is masked together: a token, a whole word, a term, or a run of words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from configs import keyed
from configs.tables import Masking

if TYPE_CHECKING:
    from data_prep.shards import Planes

NO_UNIT = -1
# A key behind all others.
_LAST = np.uint64(2**64 - 1)


def quotas(lengths: NDArray[np.integer], masking: Masking, row_length: int) -> NDArray[np.int64]:
    """How many slots each row fills, [R]: min(P, max(1, round(rate * real tokens))), halves to even.

    The count of real tokens includes [CLS] and [SEP] (google-research/electra, pretrain_helpers.py).
    """
    wanted = np.round(np.float32(masking.rate) * lengths.astype(np.float32)).astype(np.int64)
    return np.minimum(masking.slots(row_length), np.maximum(1, wanted))


def draw(
    planes: Planes, masking: Masking, seed: int, purpose: str, *counters: int | NDArray[np.integer]
) -> NDArray[np.bool_]:
    """A masking of rows, bool [R, L].

    `counters` name the rows (each an int or [R, 1]); the same names give the same masking, now or at preparation.
    Special tokens are never chosen. A word that would pass the quota is left out, so words stay whole.
    """
    rows, row_length = planes.tokens.shape
    where = (*counters, np.arange(row_length)[None, :])
    unit_keys = np.broadcast_to(keyed.bits(seed, purpose, *where), (rows, row_length))
    match masking.scheme:
        case "token":
            units = np.broadcast_to(np.arange(row_length, dtype=np.int32), (rows, row_length))
        case "whole_word" | "terms":
            units = _numbered(planes.word_start)
        case "span":
            units = _spans(planes, keyed.uniform(seed, f"{purpose} spans", *where) < 1 / masking.mean_span)
    units = np.where(planes.maskable, units, np.int32(NO_UNIT))
    return _choose(units, quotas(planes.lengths, masking, row_length), unit_keys)


def _numbered(starts: NDArray[np.bool_]) -> NDArray[np.integer]:
    """The unit of each position, given where units begin."""
    return np.cumsum(starts, axis=1, dtype=np.int32) - 1


def _spans(planes: Planes, ends: NDArray[np.bool_]) -> NDArray[np.integer]:
    """Runs of whole words. Before every word a run ends with the same chance, so its length is geometric.

    [CLS] and [SEP] start words, so no word crosses them; a run does not either.
    """
    behind_special = np.zeros_like(planes.maskable)
    behind_special[:, 1:] = planes.maskable[:, 1:] & ~planes.maskable[:, :-1]
    return _numbered(planes.word_start & (ends | behind_special))


def _choose(units: NDArray[np.integer], quotas: NDArray[np.int64], keys: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Take units in the order of their keys while they fit the quota of their row.

    Args: units [R, L], the unit of each position or NO_UNIT; quotas [R]; keys [R, L], one for each unit number.
    Returns: bool [R, L], the positions of the units taken.
    """
    rows, row_length = units.shape
    numbers = np.arange(row_length, dtype=np.int32)
    present = units != NO_UNIT
    if not (present & (units != numbers)).any():
        return _choose_positions(present, quotas, _distinct(keys, present))
    flat = (np.arange(rows)[:, None] * row_length + units)[present]
    sizes = np.bincount(flat, minlength=rows * row_length).reshape(rows, row_length)
    order = _numbers(np.sort(_distinct(keys, sizes > 0), axis=1))
    taken = np.empty((rows, row_length), bool)
    np.put_along_axis(taken, order, _fitting(np.take_along_axis(sizes, order, axis=1), quotas), axis=1)
    return present & np.take_along_axis(taken, np.where(present, units, 0), axis=1)


def _choose_positions(
    present: NDArray[np.bool_], quotas: NDArray[np.int64], keys: NDArray[np.uint64]
) -> NDArray[np.bool_]:
    """Where every unit is one position: those of the smallest keys, as many as the quota of their row."""
    in_order = np.sort(keys, axis=1)
    last_taken = in_order[np.arange(len(quotas)), quotas - 1]
    return present & (keys <= last_taken[:, None]) & (quotas > 0)[:, None]


def _fitting(sizes: NDArray[np.int64], quotas: NDArray[np.int64]) -> NDArray[np.bool_]:
    """[R, L]: which units are taken, of the sizes `sizes` in the order in which they are offered."""
    taken = np.zeros(sizes.shape[::-1], bool)
    room = quotas.copy()
    for rank, size in enumerate(np.ascontiguousarray(sizes.T)):
        np.less_equal(size, room, out=taken[rank])
        room -= size * taken[rank]
        if not room.any():
            break
    return taken.T


def _distinct(keys: NDArray[np.uint64], present: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Keys whose lowest bits are the number of their unit: no two are equal, and sorted they still tell the unit.

    Those of units that are not present come last.
    """
    numbers = np.arange(keys.shape[1], dtype=np.uint64)
    distinct = np.where(present, keys, _LAST)
    distinct &= ~_number_bits(keys)
    distinct |= numbers
    return distinct


def _numbers(keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    return (keys & _number_bits(keys)).astype(np.int64)


def _number_bits(keys: NDArray[np.uint64]) -> np.uint64:
    return np.uint64(2 ** (keys.shape[1] - 1).bit_length() - 1)
