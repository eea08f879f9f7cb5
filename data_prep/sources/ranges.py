"""A range: the part of the input that one call of a reader reads."""

from __future__ import annotations

from dataclasses import dataclass

from configs.corpus_tables import SourceTable
from data_prep.sources.compression import compression_of
from data_prep.sources.faults import LeftOut

# A compressed text is about this many times as long as its file.
_COMPRESSED = 3


@dataclass(frozen=True)
class Range:
    """Bytes [start, end) of a file, or the complete file where `end` is None.

    For a Hugging Face dataset, the range is shard `start` of `end` shards; for a Megatron file, documents [start, end).
    A range with `left_out` has no documents: it carries the count of the files that the listing of a source left out.
    """

    number: int  # of the source
    source: SourceTable
    path: str
    format: str
    start: int
    end: int | None
    size: int  # bytes that are read
    left_out: tuple[LeftOut, ...] = ()

    def __deepcopy__(self, memo: object) -> Range:
        return self  # it never changes, and every task copies the steps, which hold the ranges of all tasks

    @property
    def text_bytes(self) -> int:
        """How much text the range holds: exact, or an estimate for a compressed file."""
        return self.size * _COMPRESSED if compression_of(self.path) else self.size
