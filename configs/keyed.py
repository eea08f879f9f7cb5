"""Randomness as a pure function of what it is for.

Every random choice of the product is a hash of (seed, purpose, counters): which positions a masking takes, the order
of the rows, what a slot shows, what the generator samples. Nothing is drawn from a stream, so nothing depends on how
many processes draw, in which order, or after which restart.
"""

from __future__ import annotations

import hashlib
from functools import cache

import numpy as np
from numpy.typing import NDArray

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def _mix(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finalizer of splitmix64 (Steele, Lea and Flood 2014): a bijection of 64 bits that passes BigCrush.

    In place: time is lost by filling fresh memory.
    """
    shifted = x >> np.uint64(30)
    x ^= shifted
    x *= np.uint64(0xBF58476D1CE4E5B9)
    x ^= np.right_shift(x, np.uint64(27), out=shifted)
    x *= np.uint64(0x94D049BB133111EB)
    x ^= np.right_shift(x, np.uint64(31), out=shifted)
    return x


def _with(state: NDArray[np.uint64], part: int | NDArray[np.integer]) -> NDArray[np.uint64]:
    state = state ^ np.asarray(part).astype(np.uint64)
    state += _GOLDEN
    return _mix(state)


@cache
def _start(seed: int, purpose: str) -> NDArray[np.uint64]:
    name = int.from_bytes(hashlib.blake2b(purpose.encode(), digest_size=8).digest(), "little")
    state = _with(_with(np.zeros(1, np.uint64), seed), name)
    state.flags.writeable = False
    return state


def bits(seed: int, purpose: str, *counters: int | NDArray[np.integer]) -> NDArray[np.uint64]:
    """Uniform 64-bit integers, one for every element of the broadcast `counters`."""
    state = _start(seed, purpose)
    for counter in counters:
        state = _with(state, counter)
    return state if any(np.ndim(counter) for counter in counters) else state.reshape(())


def uniform(seed: int, purpose: str, *counters: int | NDArray[np.integer]) -> NDArray[np.float32]:
    """Uniform float32 numbers in [0, 1) with 24 random bits, one for every element of the broadcast `counters`."""
    return (bits(seed, purpose, *counters) >> np.uint64(40)).astype(np.float32) * np.float32(2**-24)


def text_hash(text: str) -> int:
    """64 bits that depend on the text alone: a document keeps its place wherever it is read."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
