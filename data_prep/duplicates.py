"""Documents with a text that occurred before, in any source.

Every task writes the signatures of its documents. Documents that share a signature, directly or through others, form a
group; of each group only the first document, in the order of the sources, stays. The method `exact` has one signature
for a document, the hash of its text. The method `minhash` has fourteen, each of eight minima (the numbers of datatrove
and FineWeb). Let s be the share of runs of five words that two documents have in common; the probability that they
share a signature is 1 - (1 - s^8)^14, which is .05 for s = .5, .64 for .72 and .92 for .8 (Broder 1997).

A place is the identity of a document: the number of its task, shifted left by 32 bits, plus its number in the task.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import chain
from pathlib import Path

import numpy as np
from datatrove.pipeline.base import PipelineStep
from numpy.typing import NDArray

from configs.common import randomness
from configs.common.files import whole_file
from configs.common.scripts import WITHOUT_SPACES
from data_prep.document import SourceDocument

_WORDS, _BANDS, _MINIMA = 5, 14, 8
# Multiplication by an odd number permutes the 64-bit integers: each of these numbers gives another order.
_ORDERS = randomness.bits(0, "orders of minhash", np.arange(_BANDS * _MINIMA)) | np.uint64(1)
_BASE = np.uint64(0x100000001B3)  # the base of the polynomial that hashes a run of words
# A word, or a character of a script without spaces between words.
_WORD = re.compile(rf"[{WITHOUT_SPACES}]|[^\W{WITHOUT_SPACES}]+")
# Runs that are hashed together, and signatures that are compared together: these numbers bound the memory.
_CHUNK, _PART = 2**12, 2**23


def exact(document: SourceDocument) -> NDArray[np.uint64]:
    """[1]"""
    return np.array([document.key], np.uint64)


def minhash(document: SourceDocument) -> NDArray[np.uint64]:
    """[14]"""
    runs = _runs(document)
    smallest = np.full(len(_ORDERS), 2**64 - 1, np.uint64)
    for first in range(0, len(runs), _CHUNK):
        np.minimum(smallest, (runs[first : first + _CHUNK] * _ORDERS[:, None]).min(axis=1), out=smallest)
    return randomness.bits(0, "band of minhash", np.arange(_BANDS), *smallest.reshape(_BANDS, _MINIMA).T)


METHODS: dict[str, Callable[[SourceDocument], NDArray[np.uint64]]] = {"exact": exact, "minhash": minhash}
_REASONS = {"exact": "the text of an earlier document", "minhash": "nearly the text of an earlier document"}


def _runs(document: SourceDocument) -> NDArray[np.uint64]:
    """[words - 4]: a hash of every run of five words; a shorter text has a single hash."""
    tokens = document.token_ids
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
    """Writes the signatures of a task's documents into a file named by its number. Copies are not signed again."""

    type = "SIGNATURES"
    name = "signatures of documents"

    def __init__(self, folder: Path, method: str):
        super().__init__()
        self.folder, self.method = folder, method

    def run(self, data: Iterable[SourceDocument], rank: int = 0, world_size: int = 1) -> None:  # type: ignore[override]  the last step of a pipeline
        sign = METHODS[self.method]
        signed = [(number, sign(document)) for number, document in enumerate(data) if _is_original(document)]
        write(self.folder, rank, [number for number, _ in signed], [signatures for _, signatures in signed])


class LeaveOutRepeated(PipelineStep):
    """Gives documents with the text of an earlier one, and their copies, the reason why they are dropped."""

    type = "FILTER"
    name = "repeated documents"

    def __init__(self, places: Path, method: str):
        super().__init__()
        self.places, self.method = places, method

    def run(self, data: Iterable[SourceDocument], rank: int = 0, world_size: int = 1) -> Iterator[SourceDocument]:  # type: ignore[override]  this step is never the first
        places = np.load(self.places, mmap_mode="r", allow_pickle=False)
        first, last = np.searchsorted(places, np.array([rank << 32, (rank + 1) << 32], np.uint64))
        repeated = {int(place) & 0xFFFFFFFF for place in places[first:last]}
        original = 0
        for number, document in enumerate(data):
            original = original if document.copy else number
            if original in repeated:
                document.drop_reason = _REASONS[self.method]
            yield document


def _is_original(document: SourceDocument) -> bool:
    """Whether no step has left the document out, and it is not a copy made for the weight of its source."""
    return not (document.copy or document.left_out or document.drop_reason)


def write(folder: Path, task: int, numbers: list[int], signatures: list[NDArray[np.uint64]]) -> None:
    """Write the signatures of the documents `numbers` of a task, sorted, and the place of each signature: [2, N]."""
    keys = np.concatenate([np.zeros(0, np.uint64), *signatures])
    places = np.repeat(np.array(numbers, np.uint64), [*map(len, signatures)]) | np.uint64(task << 32)
    order = np.argsort(keys)
    with whole_file(folder / f"{task:05d}.npy") as file:
        np.save(file, np.stack([keys[order], places[order]]))


def find(folder: Path) -> NDArray[np.uint64]:
    """The sorted places of documents that share a signature with an earlier one, directly or through others."""
    pairs = np.zeros((0, 2), np.uint64)
    for more in _pairs_of_parts(folder):
        pairs = _pairs_with_first(np.concatenate([pairs, more]))
    return np.sort(pairs[:, 1])


def count(folder: Path) -> int:
    """Return the number of documents that share a signature with an earlier one, if each has one signature."""
    return sum(map(len, _pairs_of_parts(folder)))


def _pairs_of_parts(folder: Path) -> Iterator[NDArray[np.uint64]]:
    files = sorted(folder.glob("*.npy"))
    num_parts = 1 + sum(_open(file).shape[1] for file in files) // _PART
    return (_sharing(files, part, num_parts) for part in range(num_parts))


def _open(file: Path) -> NDArray[np.uint64]:
    return np.load(file, mmap_mode="r", allow_pickle=False)


def _sharing(files: list[Path], part: int, num_parts: int) -> NDArray[np.uint64]:
    """[pairs, 2]: the places of documents that share a signature in part `part` of `num_parts` of the 64-bit range."""
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


def _pairs_with_first(pairs: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """[documents, 2]: of each connected group, every document but the first, after the first document of its group."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    places, ends = np.unique(pairs, return_inverse=True)
    left, right = ends.reshape(-1, 2).T
    graph = coo_array((np.ones(len(left), bool), (left, right)), shape=(len(places), len(places)))
    _, groups = connected_components(graph, directed=False)
    # Places are sorted, so the first place of a group is its earliest document.
    first = np.unique(groups, return_index=True)[1][groups]
    later = first != np.arange(len(places))
    return np.stack([places[first[later]], places[later]], axis=1)
