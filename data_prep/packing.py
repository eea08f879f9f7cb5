"""Packing of examples into rows. Several examples share a row, and the row marks where each of them starts.

Attention uses these marks to stay within an example.
"""

from __future__ import annotations

import bisect

import numpy as np
from numpy.typing import NDArray

from configs.corpus_tables import DataTable
from data_prep import words
from data_prep.manifest import SpecialTokens
from data_prep.rows import pack
from data_prep.segments import Example

# The number of incomplete rows that wait for an example that fits. More waiting rows leave less padding and take more
# memory. With 128, 0.4 % of the positions were padding in 35 MB of English.
OPEN_ROWS = 128

Row = list[Example]


class Packer:
    """Packs a stream of examples into rows. The order of the rows depends on the examples alone."""

    def __init__(self, data: DataTable):
        self._row_length, self._single = data.row_length, data.packing == "single"
        self._waiting: list[tuple[int, int, Row]] = []  # (room left, age, row), sorted
        self._age = 0

    def add(self, example: Example) -> Row | None:
        """Put the example into the fullest row that has room for it (best fit).

        Returns a finished row, or None if no row was finished.
        """
        size = example.size
        self._age += 1
        index = bisect.bisect_left(self._waiting, (size, -1))
        if self._single or index == len(self._waiting):
            room, age, row = self._row_length, self._age, []
        else:
            room, age, row = self._waiting.pop(index)
        row.append(example)
        if self._single or room == size:
            return row
        bisect.insort(self._waiting, (room - size, age, row), key=lambda entry: entry[:2])
        return self._waiting.pop(0)[2] if len(self._waiting) > OPEN_ROWS else None

    def rest(self) -> list[Row]:
        """Return the rows that still wait for examples, oldest first."""
        return [row for _, _, row in sorted(self._waiting, key=lambda entry: entry[1])]


def rows_of(packs: list[Row], dtype: np.dtype, special: SpecialTokens) -> NDArray[np.void]:
    """Return the rows as a structured array [R], with the masks still zero."""
    rows = np.zeros(len(packs), dtype)
    shape = (len(packs), dtype["tokens"].shape[0])
    padding = np.full(shape[1], special.pad, np.uint32)
    # Places are counted through all rows.
    parts, lengths, starts, second_segments, ends = [], [], [], [], []
    for number, row in enumerate(packs):
        place = number * shape[1]
        for example in row:
            parts += example.parts
            starts.append(place)
            second_segments.append(place + example.second_segment)
            place += example.size
            ends.append(place)
        lengths.append(place - number * shape[1])
        parts.append(padding[lengths[-1] :])
    tokens, continues = words.split(np.concatenate(parts).reshape(shape))
    rows["length"] = lengths
    rows["tokens"] = tokens
    rows["word_start"] = pack(~continues & (tokens != special.pad))
    changes = np.zeros(tokens.size + 1, np.int8)
    changes[starts] = 1
    rows["example_start"] = pack(changes[:-1].reshape(shape) > 0)
    changes[starts] = 0
    changes[second_segments] += 1
    changes[ends] -= 1
    rows["segment_b"] = pack(np.cumsum(changes[:-1], dtype=np.int8).reshape(shape) > 0)
    return rows
