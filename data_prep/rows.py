"""The dtype of a row, and the packing and unpacking of its bit planes.

A bit plane has one bit for each position of a row. Letters in shapes: R rows, L row length, K stored maskings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_prep.manifest import SpecialTokens


def row_dtype(row_length: int, vocabulary_size: int, stored_maskings: int) -> np.dtype:
    """Return the dtype of a row: its token ids, the number of real tokens, and bit planes of L/8 bytes each."""
    plane = ("u1", (row_length // 8,))
    return np.dtype(
        [
            ("tokens", "<u2" if vocabulary_size <= 2**16 else "<u4", (row_length,)),
            ("length", "<u2"),
            ("example_start", *plane),
            ("segment_b", *plane),
            ("word_start", *plane),
            ("masks", "u1", (stored_maskings, row_length // 8)),
        ]
    )


def pack(plane: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Pack booleans [..., L] into bytes [..., L/8]. The first position of each eight is the lowest bit of its byte."""
    return np.packbits(plane, axis=-1, bitorder="little")


def unpack(plane: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Unpack bytes [..., L/8] into booleans [..., L]."""
    return np.unpackbits(plane, axis=-1, bitorder="little").view(bool)


@dataclass(frozen=True)
class Planes:
    """Rows with unpacked bit planes. Every array is [R, L], except `lengths`, which is [R]."""

    tokens: NDArray[np.unsignedinteger]
    lengths: NDArray[np.integer]
    example_start: NDArray[np.bool_]
    segment_b: NDArray[np.bool_]
    word_start: NDArray[np.bool_]
    # real positions that are not [CLS], [SEP] or [MASK]
    maskable: NDArray[np.bool_]

    @classmethod
    def of(cls, rows: NDArray[np.void], special: SpecialTokens) -> Planes:
        tokens = rows["tokens"]
        lengths = rows["length"].astype(np.int64)
        real = np.arange(tokens.shape[1]) < lengths[:, None]
        fixed = (tokens == special.cls) | (tokens == special.sep) | (tokens == special.mask)
        return cls(
            tokens,
            lengths,
            unpack(rows["example_start"]),
            unpack(rows["segment_b"]),
            unpack(rows["word_start"]),
            real & ~fixed,
        )
