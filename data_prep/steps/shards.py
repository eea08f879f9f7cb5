"""Writes examples as masked rows into shards, and then the report of the task."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from configs.common.files import sha256_of, write_json
from configs.corpus_tables import DataTable, MaskingTable
from data_prep import packing
from data_prep.counts import TaskReport
from data_prep.manifest import SPLITS, Split
from data_prep.rows import Planes, pack, row_dtype
from data_prep.segments import Example
from data_prep.shards import draw_stored_masks, shard_writer
from data_prep.steps.base import Step
from data_prep.steps.tokenization import corpus_tokenizer

# The number of rows that are masked and written at a time.
_BLOCK_ROWS = 512


class WriteShards(Step):
    """Packs, masks and writes the rows of both splits. Then it writes `report` as the report of the task."""

    type = "WRITER"
    name = "masked shards"

    def __init__(
        self, folder: Path, reports: Path, data: DataTable, masking: MaskingTable, seed: int, report: TaskReport
    ):
        super().__init__()
        self.folder, self.reports, self.report = folder, reports, report
        self.data, self.masking, self.seed = data, masking, seed

    def run(self, data: Iterable[tuple[Split, Example]], rank: int = 0, world_size: int = 1) -> None:
        with ExitStack() as open_shards:
            writers = {split: _SplitWriter(self, split, rank, open_shards) for split in SPLITS}
            for split, example in data:
                writers[split].add(example)
            for writer in writers.values():
                writer.finish()
        for writer in writers.values():
            writer.add_to_report()
        write_json(self.reports / f"{rank:05d}.json", vars(self.report))


class _SplitWriter:
    """Writes the shard of one split: packs examples into rows, and masks and writes the rows in blocks."""

    def __init__(self, step: WriteShards, split: Split, number: int, open_shards: ExitStack):
        vocabulary = corpus_tokenizer(step.folder, step.masking)
        self._step, self._number, self._special = step, number, vocabulary.special
        self._split: Split = split
        self._dtype = row_dtype(step.data.row_length, vocabulary.vocabulary_size, step.masking.stored)
        self._path = step.folder / f"{split}-{number:05d}.npy"
        self._shard = open_shards.enter_context(shard_writer(self._path, self._dtype))
        self._packer = packing.Packer(step.data)
        self._block: list[packing.Row] = []

    def add(self, example: Example) -> None:
        row = self._packer.add(example)
        if row:
            self._block.append(row)
        if len(self._block) == _BLOCK_ROWS:
            self._write_block()

    def finish(self) -> None:
        self._block += self._packer.rest()
        if self._block:
            self._write_block()

    def add_to_report(self) -> None:
        """Enter the finished shard into the report, unless it has no rows."""
        if self._shard.rows:
            self._step.report.shards[self._split].append(
                {
                    "file": self._path.name,
                    "number": self._number,
                    "rows": self._shard.rows,
                    "bytes": self._path.stat().st_size,
                    "sha256": sha256_of(self._path),
                }
            )

    def _write_block(self) -> None:
        step = self._step
        rows = packing.rows_of(self._block, self._dtype, self._special)
        self._count([example.size for row in self._block for example in row])
        self._block = []
        planes = Planes.of(rows, self._special)
        numbers = np.arange(self._shard.rows, self._shard.rows + len(rows))
        maskings = draw_stored_masks(planes, step.masking, step.seed, self._split, self._number, numbers)
        for number, masks in enumerate(maskings):
            rows["masks"][:, number] = pack(masks)
            step.report.masked_tokens[str(number)] += int(np.count_nonzero(masks))
        self._shard.append(rows)

    def _count(self, lengths: list[int]) -> None:
        report = self._step.report
        report.examples[self._split] += len(lengths)
        report.tokens[self._split] += sum(lengths)
        report.example_lengths.update(map(str, lengths))
