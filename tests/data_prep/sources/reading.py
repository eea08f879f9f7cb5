"""Sources as the tests of all readers read them."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

from configs.corpus_tables import SourceTable
from data_prep.document import SourceDocument
from data_prep.sources.ranges import Range
from data_prep.sources.readers import documents
from data_prep.sources.tasks import cut_into_tasks


def read(path: Path | str, **keys: Any) -> list[SourceDocument]:
    """The documents of a source, and what is left out."""
    source = SourceTable.model_validate({"path": str(path), **keys})
    return [document for task in cut_into_tasks((source,)) for piece in task for document in documents(piece)]


def texts(path: Path | str, **keys: Any) -> list[str]:
    return [document.text.strip() for document in read(path, **keys) if not document.left_out]


def left_out(path: Path | str, **keys: Any) -> dict[str, int]:
    """Reason -> how many records or files."""
    counts: Counter[str] = Counter()
    for document in read(path, **keys):
        if document.left_out:
            counts[document.left_out.reason] += document.left_out.count
    return dict(counts)


def file_range(path: Path, format: str = "text", start: int = 0, end: int | None = None, **keys: Any) -> Range:
    """A file, or bytes [start, end) of it."""
    return Range(0, SourceTable(path=str(path), **keys), str(path), format, start, end, path.stat().st_size)


def read_in_ranges(path: Path, borders: list[int], format: str) -> list[str]:
    """The texts of a file that is cut at these bytes."""
    size = path.stat().st_size
    edges = [0, *sorted(border for border in borders if 0 < border < size), size]
    ranges = [file_range(path, format, start, end) for start, end in pairwise(edges)]
    return [document.text.strip() for piece in ranges for document in documents(piece) if not document.left_out]
