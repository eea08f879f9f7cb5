"""The order of the rows of a corpus is a function of the recipe and the position, and of nothing else.

Position p counts the rows of a run from 0, over all processes and epochs. The data state of a checkpoint is a
single integer, the number of rows seen.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from configs.common import randomness
from configs.training_tables import RowOrder

# For network disks, rows that lie near each other form a block and are read together. A window mixes 64 blocks.
BLOCK = 1024
WINDOW = 64 * BLOCK
_ROUNDS = 4


def rows_at(
    positions: NDArray[np.int64], num_rows: int, seed: int, order: RowOrder = "shuffled"
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The row numbers and the epochs of positions. Every epoch has its own permutation of the rows.

    In the order `shuffled`, the blocks are permuted first, and then the rows of each window of permuted blocks. The
    borders of the blocks are shifted from epoch to epoch, so that the last, incomplete block does not always hold the
    same rows. In the order `sources`, rows stay in their block. A corpus holds its rows in the order of its sources.
    """
    epochs, places = np.divmod(positions, num_rows)
    if order == "sources":
        return _within_windows(places, epochs, num_rows, seed, BLOCK), epochs
    places = _within_windows(places, epochs, num_rows, seed, WINDOW)
    block, offset = np.divmod(places, BLOCK)
    num_blocks = num_rows // BLOCK
    if num_blocks:
        moved = _permute(
            np.minimum(block, num_blocks - 1), num_blocks, randomness.bits(seed, "order of blocks", epochs)
        )
        block = np.where(block < num_blocks, moved, block)
    shift = (randomness.bits(seed, "shift of blocks", epochs) % np.uint64(num_rows)).astype(np.int64)
    return (block * BLOCK + offset + shift) % num_rows, epochs


def _within_windows(
    places: NDArray[np.int64], epochs: NDArray[np.int64], num_rows: int, seed: int, window_rows: int
) -> NDArray[np.int64]:
    """Permute the rows of each window, which are `window_rows` neighbours."""
    window = places // window_rows
    sizes = np.minimum(window_rows, num_rows - window * window_rows)
    key = randomness.bits(seed, "order within windows", epochs, window)
    return window * window_rows + _permute(places % window_rows, sizes, key)


def _permute(index: NDArray[np.int64], size: int | NDArray[np.int64], key: NDArray[np.uint64]) -> NDArray[np.int64]:
    """The images of `index` under a keyed permutation of [0, size).

    A Feistel network permutes the numbers below the next power of four. It is applied again and again until the result
    is below `size`.
    """
    sizes = np.broadcast_to(np.asarray(size, np.uint64), index.shape)
    half_bits = np.ceil(np.log2(np.maximum(sizes, 2).astype(np.float64)) / 2).astype(np.uint64)
    low = (np.uint64(1) << half_bits) - np.uint64(1)
    result = index.astype(np.uint64)
    outside = np.ones(index.shape, bool)
    while outside.any():
        left, right = result >> half_bits, result & low
        for turn in range(_ROUNDS):
            left, right = right, left ^ (randomness.bits(turn, "feistel", key, right) & low)
        walked = (left << half_bits) | right
        result = np.where(outside, walked, result)
        outside &= result >= sizes
    return result.astype(np.int64)
