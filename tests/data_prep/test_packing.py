"""Rows hold every example once, with little padding."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from configs.load import load
from data_prep.manifest import SpecialTokens
from data_prep.packing import Packer, rows_of
from data_prep.rows import Planes, row_dtype
from data_prep.segments import Example
from data_prep.words import CONTINUES

SPECIAL = SpecialTokens(pad=0, unk=1, cls=2, sep=3, mask=4)
DATA = load("small").data.model_copy(update={"row_length": 64})


def example(length: int, first: int) -> Example:
    tokens = np.concatenate([[2], np.arange(first, first + length - 2), [3]]).astype(np.uint32)
    return Example([tokens[:2], tokens[2:]], length, second_segment=length // 2)


def pack(lengths: list[int], packing: str = "packed") -> list[list[Example]]:
    packer = Packer(DATA.model_copy(update={"packing": packing}))
    rows = [packer.add(example(length, 10 + 64 * number)) for number, length in enumerate(lengths)]
    return [row for row in rows if row] + packer.rest()


@given(st.lists(st.integers(3, 64), max_size=400))
def test_every_example_is_in_exactly_one_row_and_rows_do_not_overflow(lengths: list[int]) -> None:
    rows = pack(lengths)
    assert sorted(int(e.parts[0][1]) for row in rows for e in row) == [
        10 + 64 * number for number in range(len(lengths))
    ]
    assert all(sum(e.size for e in row) <= 64 for row in rows)


def test_rows_are_full() -> None:
    lengths = np.random.default_rng(0).integers(3, 65, 20_000).tolist()
    rows = pack(lengths)
    assert sum(lengths) / (64 * len(rows)) > 0.97


def test_single_puts_one_example_in_a_row() -> None:
    assert [len(row) for row in pack([5, 64, 9], "single")] == [1, 1, 1]


def test_the_planes_say_where_examples_and_second_segments_begin() -> None:
    dtype = row_dtype(64, 30_000, 0)
    first = example(10, 11)
    first.parts[1][0] |= CONTINUES
    rows = rows_of([[first, example(20, 100)]], dtype, SPECIAL)
    planes = Planes.of(rows, SPECIAL)
    assert planes.lengths.tolist() == [30]
    assert np.flatnonzero(planes.example_start[0]).tolist() == [0, 10]
    assert np.flatnonzero(planes.segment_b[0]).tolist() == [*range(5, 10), *range(20, 30)]
    assert np.flatnonzero(~planes.word_start[0]).tolist() == [2, *range(30, 64)]
    assert np.flatnonzero(planes.maskable[0]).tolist() == [*range(1, 9), *range(11, 29)]
    assert (planes.tokens[0, 30:] == SPECIAL.pad).all()
    assert (planes.tokens[0] < 2**15).all()
