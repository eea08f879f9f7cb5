"""A row: its dtype, and its bit planes packed and opened.

Letters: R rows, L row length, K stored maskings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_prep.manifest import SpecialTokens


def row_dtype(row_length: int, vocabulary_size: int, stored_maskings: int) -> np.dtype:
    """One row: token ids, the number of real ones, and bit planes of L/8 bytes."""
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
    """[..., L] booleans -> [..., L/8] bytes; the first position is the lowest bit."""
    return np.packbits(plane, axis=-1, bitorder="little")


def unpack(plane: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """[..., L/8] bytes -> [..., L] booleans."""
    return np.unpackbits(plane, axis=-1, bitorder="little").view(bool)


@dataclass(frozen=True)
class Planes:
    """Rows with their bit planes opened, [R, L] each but `lengths` [R]."""

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
