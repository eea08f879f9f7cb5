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
            units = np.broadcast_to(np.arange(row_length), (rows, row_length))
        case "whole_word" | "terms":
            units = _numbered(planes.word_start)
        case "span":
            units = _spans(planes, keyed.uniform(seed, f"{purpose} spans", *where) < 1 / masking.mean_span)
    return _choose(np.where(planes.maskable, units, NO_UNIT), quotas(planes.lengths, masking, row_length), unit_keys)


def _numbered(starts: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The unit of each position, given where units begin."""
    return np.cumsum(starts, axis=1) - 1


def _spans(planes: Planes, ends: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Runs of whole words. Before every word a run ends with the same chance, so its length is geometric.

    [CLS] and [SEP] start words, so no word crosses them; a run does not either.
    """
    behind_special = np.zeros_like(planes.maskable)
    behind_special[:, 1:] = planes.maskable[:, 1:] & ~planes.maskable[:, :-1]
    return _numbered(planes.word_start & (ends | behind_special))


def _choose(units: NDArray[np.int64], quotas: NDArray[np.int64], keys: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Take units in the order of their keys while they fit the quota of their row.

    Args: units [R, L], the unit of each position or NO_UNIT; quotas [R]; keys [R, L], one for each unit number.
    Returns: bool [R, L], the positions of the units taken.
    """
    rows, row_length = units.shape
    row_numbers = np.arange(rows)
    present = units != NO_UNIT
    flat = (row_numbers[:, None] * row_length + units)[present]
    sizes = np.bincount(flat, minlength=rows * row_length).reshape(rows, row_length)
    order = np.argsort(np.where(sizes > 0, keys, np.uint64(2**64 - 1)), axis=1, kind="stable")
    taken = np.zeros((rows, row_length), bool)
    room = quotas.copy()
    for rank in range(int((sizes > 0).sum(axis=1).max(initial=0))):
        unit = order[:, rank]
        size = sizes[row_numbers, unit]
        fits = (size > 0) & (size <= room)
        taken[row_numbers, unit] = fits
        room -= size * fits
        if not room.any():
            break
    return present & taken[row_numbers[:, None], units]
