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
        size = len(example.tokens)
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
    row_length = dtype["tokens"].shape[0]
    examples = [example for row in packs for example in row]
    lengths = np.array([len(example.tokens) for example in examples])
    rows["length"] = [sum(len(example.tokens) for example in row) for row in packs]
    real = np.arange(row_length) < rows["length"][:, None]
    words_of_rows = np.full(real.shape, special.pad, np.uint32)
    words_of_rows[real] = np.concatenate([example.tokens for example in examples])
    tokens, continues = words.split(words_of_rows)
    rows["tokens"] = tokens
    rows["word_start"] = pack(~continues & (tokens != special.pad))
    in_example = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    rows["example_start"] = pack(_plane(in_example == 0, real))
    second_segments = np.array([example.second_segment for example in examples])
    rows["segment_b"] = pack(_plane(in_example >= np.repeat(second_segments, lengths), real))
    return rows


def _plane(of_tokens: NDArray[np.bool_], real: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return a plane [R, L]: the values `of_tokens` of all real tokens, row after row, at the positions `real`."""
    plane = np.zeros(real.shape, bool)
    plane[real] = of_tokens
    return plane
