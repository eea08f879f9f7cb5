"""A hash table from words to numbers that looks up a whole batch of words at a time.

A word is known by a hash of 64 bits alone: the polynomial of its characters with a fixed odd base, modulo 2^64. Among
200,000 words, two have the same hash with a probability of 1e-9. Sums over all characters of a batch give the hashes
of all of its words, so there is no object for a word.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# The base is 2^64 divided by the golden ratio. Its powers differ up to an exponent of 2^62, because it is 5 modulo 8.
_BASE = 0x9E3779B97F4A7C15
# This is added to every character, so that a word that ends with U+0000 has another hash than the word without it.
_SHIFT = np.uint64(0x2545F4914F6CDD1D)
_SMALLEST = 2**16


class WordHasher:
    """Computes the hashes of words in arrays of code points, and keeps the powers of the base."""

    def __init__(self):
        self._powers = self._inverses = np.zeros(0, np.uint64)

    def __call__(
        self, characters: NDArray[np.uint32], starts: NDArray[np.integer], ends: NDArray[np.integer]
    ) -> NDArray[np.uint64]:
        """Return the hashes of the words `characters[start:end]`, [words]."""
        if len(characters) > len(self._powers):
            self._powers = _powers(_BASE, len(characters))
            self._inverses = _powers(pow(_BASE, -1, 2**64), len(characters))
        sums = np.zeros(len(characters) + 1, np.uint64)
        terms = characters + _SHIFT
        terms *= self._powers[: len(characters)]
        np.cumsum(terms, out=sums[1:])
        return _mixed((sums[ends] - sums[starts]) * self._inverses[starts])


def _mixed(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Permute the integers, because the polynomials of similar words have similar upper bits."""
    hashes ^= hashes >> np.uint64(32)
    hashes *= np.uint64(_BASE)
    hashes ^= hashes >> np.uint64(32)
    return hashes * np.uint64(_BASE)


def _powers(base: int, count: int) -> NDArray[np.uint64]:
    """Return base^1 to base^count, modulo 2^64."""
    return np.multiply.accumulate(np.full(count, base, np.uint64))


class WordTable:
    """Numbers of words by the hashes of the words. It uses open addressing with linear probing."""

    ABSENT = -1

    def __init__(self):
        self._count = 0
        self._make(_SMALLEST)

    def __len__(self) -> int:
        return self._count

    def _make(self, size: int) -> None:
        self._numbers = np.full(size, self.ABSENT, np.int32)
        self._hashes = np.zeros(size, np.uint64)
        self._unused_bits = np.uint64(64 - (size.bit_length() - 1))

    def find(self, hashes: NDArray[np.uint64]) -> NDArray[np.int32]:
        """Return the number of each word, or `ABSENT`."""
        slots = self._first_slots(hashes)
        numbers = self._numbers[slots]
        others = np.flatnonzero((self._hashes[slots] != hashes) & (numbers != self.ABSENT))
        slots, wanted = slots[others], hashes[others]
        while len(others):
            slots = self._next_slots(slots)
            numbers[others] = self._numbers[slots]
            is_other = (self._hashes[slots] != wanted) & (numbers[others] != self.ABSENT)
            others, slots, wanted = others[is_other], slots[is_other], wanted[is_other]
        return numbers

    def add(self, hashes: NDArray[np.uint64], numbers: NDArray[np.int32]) -> None:
        """Add words that are absent and differ from each other."""
        self._count += len(hashes)
        if self._count > len(self._numbers) // 4:
            full = self._numbers != self.ABSENT
            hashes = np.concatenate([self._hashes[full], hashes])
            numbers = np.concatenate([self._numbers[full], numbers])
            self._make(4 << self._count.bit_length())
        slots = self._first_slots(hashes)
        while len(hashes):
            free = self._numbers[slots] == self.ABSENT
            # Several words may want the same slot. One of them gets it, and the others try the next slot.
            self._numbers[slots[free]] = numbers[free]
            placed = self._numbers[slots] == numbers
            self._hashes[slots[placed]] = hashes[placed]
            hashes, numbers = hashes[~placed], numbers[~placed]
            slots = self._next_slots(slots[~placed])

    def _first_slots(self, hashes: NDArray[np.uint64]) -> NDArray[np.int64]:
        return (hashes >> self._unused_bits).astype(np.int64)

    def _next_slots(self, slots: NDArray[np.int64]) -> NDArray[np.int64]:
        return (slots + 1) & (len(self._numbers) - 1)
