"""A part of the input: what one call of a reader reads."""

from __future__ import annotations

from dataclasses import dataclass

from fsspec.utils import infer_compression

from configs.corpus_tables import SourceTable

COMPRESSIONS = (".gz", ".zst", ".xz")
# A compressed text is about this many times as long as its file.
_COMPRESSED = 3


@dataclass(frozen=True)
class Range:
    """Part of a file: bytes [start, end), or all of it where `end` is None.

    Of a Hugging Face dataset it is shard `start` of `end`; of a Megatron file, documents [start, end).
    """

    number: int  # of the source
    source: SourceTable
    path: str
    format: str
    start: int
    end: int | None
    size: int  # bytes that are read

    @property
    def text_bytes(self) -> int:
        """How much text it holds: exact, or an estimate where it is compressed."""
        return self.size * _COMPRESSED if is_compressed(self.path) else self.size


def is_compressed(path: str) -> bool:
    return path.endswith(COMPRESSIONS) or infer_compression(path) is not None
