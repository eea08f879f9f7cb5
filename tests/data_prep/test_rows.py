"""Rows: their size on disk, the order of bits in a plane, and the positions that may be masked."""

from __future__ import annotations

import numpy as np

from data_prep.manifest import SpecialTokens
from data_prep.rows import Planes, pack, row_dtype, unpack

SPECIAL = SpecialTokens(pad=0, unk=1, cls=2, sep=3, mask=4)


def test_planes_round_trip() -> None:
    plane = np.random.default_rng(0).random((5, 64)) < 0.3
    assert pack(plane).shape == (5, 8)
    assert np.array_equal(unpack(pack(plane)), plane)


def test_a_large_vocabulary_gets_wider_ids() -> None:
    assert row_dtype(64, 2**16, 0)["tokens"].base == np.uint16
    assert row_dtype(64, 2**16 + 1, 0)["tokens"].base == np.uint32


def test_the_size_of_a_row_by_hand() -> None:
    # 128 ids of 2 bytes, a length of 2, three planes of 16 bytes, and 4 maskings of 16 bytes
    assert row_dtype(128, 30_522, 4).itemsize == 256 + 2 + 48 + 64
    assert row_dtype(8, 2**16 + 1, 0).itemsize == 32 + 2 + 3


def test_the_first_position_is_the_lowest_bit() -> None:
    plane = np.zeros((1, 16), bool)
    plane[0, [0, 3, 15]] = True
    assert pack(plane).tolist() == [[0b00001001, 0b10000000]]


def test_special_tokens_and_padding_are_not_maskable_but_unknown_tokens_are() -> None:
    rows = np.zeros(2, row_dtype(8, 100, 0))
    rows["tokens"] = [[2, 1, 4, 9, 3, 0, 0, 0], [9] * 8]
    rows["length"] = [5, 8]
    rows["segment_b"] = [[0b00011000], [0]]
    planes = Planes.of(rows, SPECIAL)
    assert np.flatnonzero(planes.maskable[0]).tolist() == [1, 3]
    assert planes.maskable[1].all()
    assert np.flatnonzero(planes.segment_b[0]).tolist() == [3, 4]
    assert len(Planes.of(rows[:0], SPECIAL).tokens) == 0
