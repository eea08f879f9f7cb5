"""Megatron's indexed dataset, a .bin with token ids and an .idx beside it (NVIDIA/Megatron-LM,
megatron/core/datasets/indexed_dataset.py).

The index: its magic, version u8, a code for the type of an id, the numbers of sequences and of document borders, then
the length of every sequence (i4), its place in the .bin (i8), and the sequence with which every document begins (i8).
"""

from __future__ import annotations

import shutil
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from configs.common.files import whole_file
from data_prep.sources.faults import Fault

_MAGIC, _VERSION = b"MMIDIDX\x00\x00", 1
_HEADER = struct.Struct("<9sQBQQ")
_TYPES: dict[int, type[np.integer]] = {1: np.uint8, 2: np.int8, 3: np.int16, 4: np.int32, 5: np.int64, 8: np.uint16}
# As in Megatron, an id has two bytes where the vocabulary has fewer entries than this, and four elsewhere.
_FEW_ENTRIES = 65_500
_DAMAGED = "damaged files of Megatron"
_MEND = 'copy both files again, or leave them out with on_error = "skip"'


@dataclass(frozen=True)
class _Index:
    dtype: np.dtype
    lengths: NDArray[np.int32]
    places: NDArray[np.int64]
    documents: NDArray[np.int64]


def num_documents(path: Path) -> int:
    """Raises Fault for an index that is missing or damaged."""
    return len(_index(path).documents) - 1


def documents(path: Path, start: int, end: int) -> Iterator[list[NDArray[np.integer]]]:
    """The sequences of documents [start, end). Raises Fault when the two files do not fit each other."""
    index = _index(path)
    tokens = np.memmap(path, index.dtype, "r")
    for document in range(start, end):
        sequences = range(int(index.documents[document]), int(index.documents[document + 1]))
        first = [int(index.places[number]) // index.dtype.itemsize for number in sequences]
        lengths = [int(index.lengths[number]) for number in sequences]
        if any(place + length > len(tokens) for place, length in zip(first, lengths, strict=True)):
            raise Fault(
                _DAMAGED,
                f"{path}: ends before document {document} does; it is truncated, or belongs to another .idx",
                _MEND,
            )
        yield [np.array(tokens[place : place + length]) for place, length in zip(first, lengths, strict=True)]


def _index(path: Path) -> _Index:
    beside = path.with_suffix(".idx")
    if not beside.is_file():
        raise Fault(_DAMAGED, f"{path}: has no {beside.name} beside it, which says where its documents are", _MEND)
    content = beside.read_bytes()
    try:
        magic, version, code, num_sequences, num_borders = _HEADER.unpack_from(content)
        if magic != _MAGIC or version != _VERSION or code not in _TYPES:
            raise ValueError("another magic, version or type")
        place = _HEADER.size
        lengths = np.frombuffer(content, "<i4", num_sequences, place)
        places = np.frombuffer(content, "<i8", num_sequences, place + lengths.nbytes)
        borders = np.frombuffer(content, "<i8", num_borders, place + lengths.nbytes + places.nbytes)
    except (struct.error, ValueError) as error:
        raise Fault(_DAMAGED, f"{beside}: is no index of Megatron's with integer ids ({error})", _MEND) from None
    return _Index(np.dtype(_TYPES[code]), lengths, places, borders)


class Writer:
    """Writes documents, sequence by sequence. `writer` makes it."""

    def __init__(self, file: IO[bytes], dtype: np.dtype):
        self._file, self._dtype = file, dtype
        self.lengths: list[int] = []
        self.borders = [0]

    def append(self, ids: NDArray[np.integer]) -> None:
        self._file.write(ids.astype(self._dtype).tobytes())
        self.lengths.append(len(ids))

    def end_document(self) -> None:
        self.borders.append(len(self.lengths))


@contextmanager
def writer(path: Path, vocabulary_size: int) -> Iterator[Writer]:
    """Write the .bin `path` and the index beside it, which appears last. Nothing appears when the block fails."""
    code = _code(vocabulary_size)
    dtype = np.dtype(_TYPES[code])
    with whole_file(path) as file:
        written = Writer(file, dtype)
        yield written
    places = np.cumsum([0, *written.lengths])[: len(written.lengths)] * dtype.itemsize
    with whole_file(path.with_suffix(".idx")) as file:
        file.write(_HEADER.pack(_MAGIC, _VERSION, code, len(written.lengths), len(written.borders)))
        file.write(np.array(written.lengths, "<i4").tobytes())
        file.write(places.astype("<i8").tobytes())
        file.write(np.array(written.borders, "<i8").tobytes())


def join(parts: list[Path], path: Path, vocabulary_size: int) -> None:
    """Write the documents of several files into one file. One index at a time is in memory."""
    with whole_file(path) as joined:
        for part in parts:
            with open(part, "rb") as file:
                shutil.copyfileobj(file, joined)
    sequences = list(accumulate((len(_index(part).lengths) for part in parts), initial=0))
    documents = sum(num_documents(part) for part in parts)
    first_bytes = accumulate((part.stat().st_size for part in parts), initial=0)
    with whole_file(path.with_suffix(".idx")) as file:
        file.write(_HEADER.pack(_MAGIC, _VERSION, _code(vocabulary_size), sequences[-1], documents + 1))
        for part in parts:
            file.write(_index(part).lengths.tobytes())
        for part, first in zip(parts, first_bytes, strict=False):
            file.write((_index(part).places + first).tobytes())
        file.write(np.zeros(1, "<i8").tobytes())
        for part, first in zip(parts, sequences, strict=False):
            file.write((_index(part).documents[1:] + first).tobytes())


def _code(vocabulary_size: int) -> int:
    return 8 if vocabulary_size < _FEW_ENTRIES else 4
