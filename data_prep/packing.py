"""Examples into rows. Several share a row; each keeps its own start, so that attention can stop there."""

from __future__ import annotations

import bisect

import numpy as np
from numpy.typing import NDArray

from configs.corpus_tables import DataTable
from data_prep import words
from data_prep.manifest import SpecialTokens
from data_prep.rows import pack
from data_prep.segments import Example

# Rows that wait for a short example. More fill better and hold more memory; 128 left 0.4 % of padding
# in 35 MB of English.
OPEN_ROWS = 128

Row = list[Example]


class Packer:
    """Rows from a stream of examples, in an order that the examples alone decide."""

    def __init__(self, data: DataTable):
        self._row_length, self._single = data.row_length, data.packing == "single"
        self._waiting: list[tuple[int, int, Row]] = []  # (room left, age, row), sorted
        self._age = 0

    def add(self, example: Example) -> Row | None:
        """Best fit: the fullest row with room takes the example. Returns a row that is now finished, if one is."""
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
        """The rows that still wait, oldest first."""
        return [row for _, _, row in sorted(self._waiting, key=lambda entry: entry[1])]


def rows_of(packs: list[Row], dtype: np.dtype, special: SpecialTokens) -> NDArray[np.void]:
    """Rows without masks yet, [R] structured."""
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
    """[R, L]: what is said of the tokens of all rows, one after the other, at the positions that hold them."""
    plane = np.zeros(real.shape, bool)
    plane[real] = of_tokens
    return plane
