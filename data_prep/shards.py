"""The format of a corpus. This is the only module of `data_prep` that training imports.

A corpus is a folder with the tokenizer, shards, and `manifest.json`. The manifest is written last, so a folder with a
manifest is complete. A shard is a memory-mapped numpy structured array of rows of a fixed size. A row consists of L
token ids, its length, and bit planes of L bits.

Letters in shapes: R rows, L row length, K stored maskings.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from configs.common.errors import UserError
from configs.common.files import sha256_of, whole_file
from configs.corpus_tables import MaskingTable
from configs.folders import CORPUS_MANIFEST
from configs.recipe import CORPUS_TABLES, Recipe, differences
from data_prep import manifest
from data_prep import masking as maskings
from data_prep.manifest import SPLITS, Shard, SpecialTokens, Split
from data_prep.rows import Planes, row_dtype, unpack

# Training imports only this file of data_prep, so this file also exports the names that training needs from others.
__all__ = [
    "Corpus",
    "Planes",
    "SpecialTokens",
    "Split",
    "check_corpus",
    "draw_masks",
    "draw_stored_masks",
    "row_dtype",
    "shard_writer",
    "with_corpus_tables",
]


def draw_masks(
    planes: Planes,
    masking: MaskingTable,
    seed: int,
    split: Split,
    numbers: NDArray[np.integer],
    shards: NDArray[np.integer],
    rows: NDArray[np.integer],
) -> NDArray[np.bool_]:
    """Draw one masking of each row, bool [R, L].

    `rows` [R] are the numbers of the rows within their shards. The numbers of their maskings and shards are [R], or [1]
    if all are the same.
    """
    counters = (numbers[:, None], shards[:, None], rows[:, None])
    return maskings.draw(planes, masking, seed, f"masking {split}", *counters)


def draw_stored_masks(
    planes: Planes, masking: MaskingTable, seed: int, split: Split, shard: int, rows: NDArray[np.integer]
) -> Iterator[NDArray[np.bool_]]:
    """Draw the K maskings that the shard stores for the rows, one after the other.

    `rows` [R] are the numbers of the rows within the shard.
    """
    drawer = maskings.Drawer(planes, masking)
    for number in range(masking.stored):
        yield drawer.draw(seed, f"masking {split}", number, shard, rows[:, None])


@contextmanager
def shard_writer(path: Path, dtype: np.dtype) -> Iterator[_Appender]:
    """Open a new shard for appending. It appears at `path` if the block succeeds and at least one row was written."""
    with whole_file(path) as file:
        appender = _Appender(file, dtype)
        yield appender
        appender.write_header()
    if not appender.rows:
        path.unlink()


class _Appender:
    """A .npy file to which rows are appended.

    numpy pads the header, so the final number of rows can be written over the first header.
    """

    def __init__(self, file: IO[bytes], dtype: np.dtype):
        self._file, self._dtype, self.rows = file, dtype, 0
        self.write_header()
        self._start = file.tell()

    def write_header(self) -> None:
        self._file.seek(0)
        descr = np.lib.format.dtype_to_descr(self._dtype)
        header = {"descr": descr, "fortran_order": False, "shape": (self.rows,)}
        np.lib.format.write_array_header_1_0(self._file, header)
        assert not self.rows or self._file.tell() == self._start, "the header of a shard changed its size"

    def append(self, rows: NDArray[np.void]) -> None:
        assert rows.dtype == self._dtype
        self._file.seek(0, os.SEEK_END)
        self._file.write(rows.tobytes())
        self.rows += len(rows)


class Corpus:
    """A complete corpus, open for reading. The rows of a split are numbered consecutively across its shards."""

    def __init__(self, folder: Path, *, verify: bool = False):
        """Open the corpus. Raises UserError when the folder is not a complete corpus or differs from its manifest.

        The vocabulary, and the sizes and headers of the shards, are always checked. `verify` also compares the sha256
        of every shard.
        """
        self.folder = folder
        self.manifest = manifest.read(folder)
        self.data, self.masking = self.manifest.recipe.data, self.manifest.recipe.masking
        self.vocabulary, self.special = self.manifest.recipe.vocabulary, self.manifest.vocabulary.special
        self.dtype = row_dtype(self.data.row_length, self.vocabulary.size, self.masking.stored)
        self._shards = {split: self._open(split) for split in SPLITS}
        expected = {folder / name: sha256 for name, sha256 in self.manifest.vocabulary.files.items()}
        if verify:
            expected |= {folder / s.file: s.sha256 for split in SPLITS for s in self.manifest.shards[split]}
        _compare(expected)

    @cached_property
    def manifest_sha256(self) -> str:
        return sha256_of(self.folder / CORPUS_MANIFEST)

    def num_rows(self, split: Split) -> int:
        return sum(len(rows) for _, rows in self._shards[split])

    def read(self, split: Split, numbers: NDArray[np.integer]) -> NDArray[np.void]:
        """Read rows by their numbers, in the given order, as a structured array [R].

        Raises UserError for a row with a token outside the vocabulary or with an impossible length.
        """
        rows = np.empty(len(numbers), self.dtype)
        for where, _, in_shard, shard in self._by_shard(split, numbers):
            rows[where] = shard[in_shard]
        unknown = rows["tokens"].max(axis=1) >= self.vocabulary.size
        self._refuse(unknown, split, numbers, "holds a token that is not in the vocabulary")
        self._refuse(rows["length"] > self.data.row_length, split, numbers, "says that it is longer than a row")
        return rows

    def read_masked(
        self, split: Split, numbers: NDArray[np.integer], maskings: NDArray[np.integer], rate: float | None = None
    ) -> tuple[NDArray[np.void], NDArray[np.bool_]]:
        """Read rows as `read` does, and masking m of each row, bool [R, L], where `maskings` [R] gives the m.

        Masking m is the stored masking m mod K. If the corpus stores no maskings, masking m is drawn now. With a `rate`
        other than the corpus's, the masking is drawn as preparation would have drawn it at this rate: fewer units are
        taken in the same order. Raises UserError for a row or a stored masking that is certainly damaged.
        """
        rows = self.read(split, numbers)
        drawn = maskings % self.masking.stored if self.masking.stored else maskings
        if self.masking.stored and rate in (None, self.masking.rate):
            return rows, self._stored(split, numbers, rows, drawn)
        masking = self.masking if rate is None else self.masking.at_rate(rate)
        return rows, self._draw(split, numbers, rows, drawn, masking)

    def _stored(
        self, split: Split, numbers: NDArray[np.integer], rows: NDArray[np.void], maskings: NDArray[np.integer]
    ) -> NDArray[np.bool_]:
        masks = unpack(rows["masks"][np.arange(len(rows)), maskings])
        too_many = masks.sum(axis=1) > self.masking.slots(self.data.row_length)
        self._refuse(too_many, split, numbers, "masks more tokens than a row has slots")
        return masks

    def _draw(
        self,
        split: Split,
        numbers: NDArray[np.integer],
        rows: NDArray[np.void],
        maskings: NDArray[np.integer],
        masking: MaskingTable,
    ) -> NDArray[np.bool_]:
        """Draw the maskings as preparation draws them."""
        shards, in_shards = np.empty(len(rows), np.int64), np.empty(len(rows), np.int64)
        for where, number, in_shard, _ in self._by_shard(split, numbers):
            shards[where], in_shards[where] = number, in_shard
        planes = Planes.of(rows, self.special)
        return draw_masks(planes, masking, self.manifest.seed, split, maskings, shards, in_shards)

    def _refuse(self, damaged: NDArray[np.bool_], split: Split, numbers: NDArray[np.integer], what: str) -> None:
        if damaged.any():
            raise UserError(
                f"{self.folder}: row {numbers[damaged.argmax()]} of {split} {what}, so its shard is damaged; "
                "`electra inspect --verify` names the file, prepare the corpus again"
            )

    def _by_shard(self, split: Split, numbers: NDArray[np.integer]):
        """Group the row numbers by the shard that holds them.

        Yields (indices into `numbers`, shard number, row numbers within the shard, array of the shard).
        """
        shards = self._shards[split]
        starts = self._starts[split]
        owner = np.searchsorted(starts, numbers, side="right") - 1
        for index in np.unique(owner):
            where = np.flatnonzero(owner == index)
            number, rows = shards[index]
            yield where, number, numbers[where] - starts[index], rows

    @cached_property
    def _starts(self) -> dict[str, NDArray[np.int64]]:
        return {
            split: np.cumsum([0, *(len(rows) for _, rows in shards)])[:-1] for split, shards in self._shards.items()
        }

    def _open(self, split: Split) -> list[tuple[int, NDArray[np.void]]]:
        """Return (shard number, memory map) for every shard of a split."""
        return [(shard.number, self._map(self.folder / shard.file, shard)) for shard in self.manifest.shards[split]]

    def _map(self, path: Path, shard: Shard) -> NDArray[np.void]:
        if not path.is_file():
            raise UserError(f"{path}: missing; the corpus is damaged, prepare it again")
        size = path.stat().st_size
        if size != shard.bytes:
            raise UserError(
                f"{path}: {size} bytes, and the manifest says {shard.bytes}: it is truncated or damaged; "
                "prepare the corpus again"
            )
        try:
            rows = np.load(path, mmap_mode="r", allow_pickle=False)
        except (ValueError, EOFError) as error:
            raise UserError(f"{path}: not a shard ({error}); it is damaged, prepare the corpus again") from None
        if rows.dtype != self.dtype or rows.shape != (shard.rows,):
            raise UserError(f"{path}: its header is not the manifest's; it is damaged, prepare the corpus again")
        return rows


def _compare(expected: dict[Path, str]) -> None:
    """Raise UserError for the first file that is missing or whose sha256 differs from the expected value.

    Hashing releases Python's global lock, so the threads run in parallel.
    """
    with ThreadPoolExecutor() as pool:
        for (path, sha256), found in zip(expected.items(), pool.map(_sha256_of, expected), strict=True):
            if found is None:
                raise UserError(f"{path}: missing; the corpus is damaged, prepare it again")
            if found != sha256:
                raise UserError(f"{path}: its sha256 is not the manifest's, so it is damaged; prepare the corpus again")


def _sha256_of(path: Path) -> str | None:
    return sha256_of(path) if path.is_file() else None


def check_corpus(recipe: Recipe, corpus: Corpus) -> None:
    """Raise UserError when the corpus was prepared with other values than the recipe's."""
    corpus_tables = corpus.manifest.recipe.model_dump(mode="json")
    recipe_tables = recipe.model_dump(mode="json", include={*CORPUS_TABLES})
    # The text and the lexicon need not agree with the corpus. A recipe that trains a vocabulary accepts any vocabulary.
    free_keys = {"data.sources", "masking.lexicon"}
    if recipe.vocabulary.source == "train":
        free_keys |= {"vocabulary.source", "vocabulary.extend"}
    for key, in_corpus, in_recipe in differences(corpus_tables, recipe_tables):
        if key not in free_keys:
            raise UserError(
                f"{corpus.folder}: was prepared with {key} = {json.dumps(in_corpus)}, and the recipe has "
                f"{json.dumps(in_recipe)}; give {key}={json.dumps(in_corpus)} here too, or prepare another corpus"
            )


def with_corpus_tables(recipe: Recipe, corpus: Corpus) -> Recipe:
    """Return a copy of the recipe that has the tables with which the corpus was prepared."""
    return recipe.model_copy(update={table: getattr(corpus.manifest.recipe, table) for table in CORPUS_TABLES})
