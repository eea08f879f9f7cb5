"""Documents whose text came before, over all sources.

Every task writes the signatures of its documents; those that share one belong together, and all but the first of them,
in the order of the sources, are left out. `exact` has one signature, the hash of the text. `minhash` has fourteen (of
eight minima each, the numbers of datatrove and FineWeb): of the runs of five words that occur in either of two
documents, let s be the share that occurs in both; then they share a signature with the chance 1 - (1 - s^8)^14, which
is .05 for s = .5, .64 for .72 and .92 for .8 (Broder 1997).

A place names a document: the number of its task, shifted by 32 bits, and its number there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import chain
from pathlib import Path

import numpy as np
from datatrove.data import Document
from datatrove.pipeline.base import PipelineStep
from numpy.typing import NDArray

from configs.common import randomness
from configs.common.files import whole_file
from data_prep.sources.readers import document_key

_WORDS, _BANDS, _MINIMA = 5, 14, 8
# Odd numbers; multiplication by each is another order of the 64-bit integers.
_ORDERS = randomness.bits(0, "orders of minhash", np.arange(_BANDS * _MINIMA)) | np.uint64(1)
_BASE = np.uint64(0x100000001B3)  # of the polynomial that makes one number of a run of words
# A character of a script that sets no spaces between words (Thai to Khmer, kana, Chinese), or a word of others.
_ALONE = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_WORD = re.compile(rf"[{_ALONE}]|[^\W{_ALONE}]+")
# Runs that are put in order at once, and signatures that are compared at once: what bounds the memory.
_CHUNK, _PART = 2**12, 2**23


def exact(document: Document) -> NDArray[np.uint64]:
    """[1]"""
    return np.array([document_key(document)], np.uint64)


def minhash(document: Document) -> NDArray[np.uint64]:
    """[14]"""
    runs = _runs(document)
    smallest = np.full(len(_ORDERS), 2**64 - 1, np.uint64)
    for first in range(0, len(runs), _CHUNK):
        np.minimum(smallest, (runs[first : first + _CHUNK] * _ORDERS[:, None]).min(axis=1), out=smallest)
    return randomness.bits(0, "band of minhash", np.arange(_BANDS), *smallest.reshape(_BANDS, _MINIMA).T)


METHODS: dict[str, Callable[[Document], NDArray[np.uint64]]] = {"exact": exact, "minhash": minhash}
_REASONS = {"exact": "the text of an earlier document", "minhash": "nearly the text of an earlier document"}


def _runs(document: Document) -> NDArray[np.uint64]:
    """[words - 4]: a number for every run of five words; of a shorter text, one for all of it."""
    tokens = document.metadata["tokens"]
    words = map(str, chain.from_iterable(tokens)) if tokens else _WORD.findall(document.text.lower())
    hashes = np.fromiter(map(_hash, words), np.uint64)
    if len(hashes) < _WORDS:
        return np.array([randomness.text_hash(str(hashes.tolist() or document.text))], np.uint64)
    runs = np.zeros(len(hashes) - _WORDS + 1, np.uint64)
    for place in range(_WORDS):
        runs *= _BASE
        runs += hashes[place : place + len(runs)]
    return runs


@lru_cache(2**18)
def _hash(word: str) -> int:
    return randomness.text_hash(word)


class WriteSignatures(PipelineStep):
    """The signatures of one task's documents, in a file of its number. Copies of a document count once."""

    type = "SIGNATURES"
    name = "of documents"

    def __init__(self, folder: Path, method: str):
        super().__init__()
        self.folder, self.method = folder, method

    def run(self, data: Iterable[Document], rank: int = 0, world_size: int = 1) -> None:  # type: ignore[override]  nothing follows it
        sign = METHODS[self.method]
        signed = [(number, sign(document)) for number, document in enumerate(data) if _is_original(document)]
        write(self.folder, rank, [number for number, _ in signed], [signatures for _, signatures in signed])


class LeaveOutRepeated(PipelineStep):
    """Marks documents that came before, and their copies, with the reason (metadata `dropped`)."""

    type = "FILTER"
    name = "repeated documents"

    def __init__(self, places: Path, method: str):
        super().__init__()
        self.places, self.method = places, method

    def run(self, data: Iterable[Document], rank: int = 0, world_size: int = 1) -> Iterator[Document]:  # type: ignore[override]  a reader stands before it
        places = np.load(self.places, mmap_mode="r", allow_pickle=False)
        first, last = np.searchsorted(places, np.array([rank << 32, (rank + 1) << 32], np.uint64))
        repeated = {int(place) & 0xFFFFFFFF for place in places[first:last]}
        original = 0
        for number, document in enumerate(data):
            original = original if document.metadata["copy"] else number
            if original in repeated:
                document.metadata["dropped"] = _REASONS[self.method]
            yield document


def _is_original(document: Document) -> bool:
    """Whether it stays so far, and is not one more copy that the weight of its source asks for."""
    return not (document.metadata["copy"] or document.metadata["skipped"] or document.metadata["dropped"])


def write(folder: Path, task: int, numbers: list[int], signatures: list[NDArray[np.uint64]]) -> None:
    """Of documents `numbers` of a task: their signatures in order, and the places that these belong to, [2, N]."""
    keys = np.concatenate([np.zeros(0, np.uint64), *signatures])
    places = np.repeat(np.array(numbers, np.uint64), [*map(len, signatures)]) | np.uint64(task << 32)
    order = np.argsort(keys)
    with whole_file(folder / f"{task:05d}.npy") as file:
        np.save(file, np.stack([keys[order], places[order]]))


def find(folder: Path) -> NDArray[np.uint64]:
    """The places of documents that share a signature with an earlier one, directly or through others, in order."""
    files = sorted(folder.glob("*.npy"))
    num_parts = 1 + sum(_open(file).shape[1] for file in files) // _PART
    pairs = np.zeros((0, 2), np.uint64)
    for part in range(num_parts):
        pairs = _with_first(np.concatenate([pairs, _sharing(files, part, num_parts)]))
    return np.sort(pairs[:, 1])


def _open(file: Path) -> NDArray[np.uint64]:
    return np.load(file, mmap_mode="r", allow_pickle=False)


def _sharing(files: list[Path], part: int, num_parts: int) -> NDArray[np.uint64]:
    """[pairs, 2]: the places of neighbours with the same signature, of one of so many ranges of signatures."""
    parts = []
    for file in files:
        signatures = _open(file)
        inner = np.searchsorted(
            signatures[0], np.array([2**64 * n // num_parts for n in range(1, num_parts)], np.uint64)
        )
        borders = [0, *inner, signatures.shape[1]]
        parts.append(signatures[:, borders[part] : borders[part + 1]])
    keys, places = np.concatenate(parts, axis=1)
    order = np.lexsort((places, keys))
    keys, places = keys[order], places[order]
    same = np.flatnonzero(keys[1:] == keys[:-1])
    return np.stack([places[same], places[same + 1]], axis=1)


def _with_first(pairs: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """[documents, 2]: those that pairs connect with an earlier one, each behind the first that it is connected with.

    Labels of connected nodes become equal in about log(n) rounds: each takes the smallest of its neighbours, then the
    label of its label (Shiloach and Vishkin 1982).
    """
    nodes, ends = np.unique(pairs, return_inverse=True)
    ends = ends.reshape(-1, 2)
    first = np.arange(len(nodes))
    while True:
        before = first.copy()
        smaller = before[ends].min(axis=1)
        for side in (0, 1):
            np.minimum.at(first, before[ends[:, side]], smaller)
        first = first[first]
        if np.array_equal(first, before):
            later = first != np.arange(len(nodes))
            return np.stack([nodes[first[later]], nodes[later]], axis=1)
