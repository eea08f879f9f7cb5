"""Texts from a column: csv, parquet, and Hugging Face datasets. The last two are read by datatrove's readers."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import fsspec
from datatrove.pipeline.readers import HuggingFaceDatasetReader, ParquetReader

from configs.common.errors import UserError
from configs.corpus_tables import SourceTable
from data_prep.sources.ranges import Range

# A field may be a whole book; Python's own limit is 128 kB.
csv.field_size_limit(2**31 - 1)


def csv_texts(file: IO[bytes], piece: Range) -> Iterator[tuple[int, str]]:
    """(line number, text) of every row; the first line names the columns. What is not text becomes U+FFFD."""
    marked = "utf-8-sig" if codecs.lookup(piece.source.encoding).name == "utf-8" else piece.source.encoding
    decoded = io.TextIOWrapper(file, marked, errors="replace", newline="")
    rows = csv.DictReader(decoded, delimiter="\t" if ".tsv" in piece.path else ",")
    _check(piece.path, piece.source.field, rows.fieldnames or ())
    for row in rows:
        yield rows.line_num, row[piece.source.field] or ""


def parquet_texts(piece: Range) -> Iterator[tuple[int, str]]:
    """(row number, text) of every row of the file that has one."""
    import pyarrow.parquet as pq

    with fsspec.open(piece.path, "rb") as opened:
        _check(piece.path, piece.source.field, pq.read_schema(opened).names)
    folder, _, name = piece.path.rpartition("/")
    reader = ParquetReader(folder or ".", text_key=piece.source.field, id_key=piece.source.field, read_metadata=False)
    for number, document in enumerate(reader.read_file(name)):
        yield number, document.text


def dataset_texts(piece: Range) -> Iterator[tuple[int, str]]:
    """(number, text) of the rows in one of the shards that a dataset was cut into."""
    assert piece.end is not None
    for number, row in enumerate(_reader(piece.source).run(rank=piece.start, world_size=piece.end)):
        yield number, row.text


def open_dataset(source: SourceTable, key: str) -> Any:
    """The split of a dataset, memory-mapped; raises UserError when there is none, or it lacks the field."""
    from datasets import load_dataset, load_from_disk

    try:
        folder = _on_disk(source)
        found = load_from_disk(folder) if folder else load_dataset(source.path, **_options(source))
    except (ValueError, OSError, ImportError) as error:
        first = " ".join(str(error).split())[:300]
        raise UserError(f"{key}: {source.path} cannot be opened as a dataset, split {source.split} ({first})") from None
    _check(source.path, source.field, found.column_names)
    return found


def _reader(source: SourceTable) -> HuggingFaceDatasetReader:
    on_disk = _on_disk(source)
    return HuggingFaceDatasetReader(
        str(on_disk or source.path),
        dataset_options=_options(source),
        text_key=source.field,
        load_from_disk=on_disk is not None,
    )


def _on_disk(source: SourceTable) -> Path | None:
    """The folder of the split, where `path` is one that `save_to_disk` wrote."""
    folder = Path(source.path)
    if (folder / "dataset_dict.json").is_file():
        return folder / source.split
    return folder if folder.is_dir() else None


def _options(source: SourceTable) -> dict[str, Any]:
    return {"split": source.split} | ({"name": source.config} if source.config else {})


def _check(path: str, field: str, columns: Iterable[str]) -> None:
    names = list(columns)
    if field not in names:
        raise UserError(f"{path}: has no column {field!r} (it has {', '.join(names)}); set field of the source")
