"""Tables with typed columns: parquet, and Hugging Face datasets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from configs.common import chatter
from configs.common.errors import UserError
from configs.corpus_tables import SourceTable
from data_prep.sources.compression import compression_of, open_bytes
from data_prep.sources.delimited import lacks_column
from data_prep.sources.faults import Fault
from data_prep.sources.fields import OTHER_TYPE, text_at
from data_prep.sources.ranges import Range
from data_prep.sources.records import Record, Text

_BATCH_ROWS = 1000


def parquet_records(piece: Range) -> Iterator[tuple[int, Record]]:
    """The rows, numbered from 0."""
    with _open_parquet(piece.path) as file:
        column = check_column(piece, file.schema_arrow)
        # Columns other than the field's, such as pictures, are not read.
        batches = file.iter_batches(_BATCH_ROWS, columns=[column])
        yield from _records(piece, (value for batch in batches for value in _values(batch.column(0))), column)


def check_parquet(piece: Range) -> None:
    """Raises Fault for a file that is not parquet, is cut short, or has no column of text."""
    with _open_parquet(piece.path) as file:
        check_column(piece, file.schema_arrow)


@contextmanager
def _open_parquet(path: str) -> Iterator[pq.ParquetFile]:
    with open_bytes(path) as opened:
        # pyarrow seeks, which a decompressed stream cannot do at will.
        content = pa.BufferReader(opened.read()) if compression_of(path) else opened
        yield pq.ParquetFile(content)


def dataset_records(piece: Range) -> Iterator[tuple[int, Record]]:
    """The rows of a shard of a dataset, numbered from 0."""
    assert piece.end is not None
    dataset = _load(piece.source)
    column = check_column(piece, dataset.features.arrow_schema)
    shard = dataset.select_columns([column]).shard(piece.end, piece.start, contiguous=False)
    yield from _records(piece, (value for batch in shard.iter(_BATCH_ROWS) for value in batch[column]), column)


def _values(column: pa.Array) -> Iterable[Any]:
    """The values of a column. A row with a string that is not UTF-8 gives the bytes of that row's error.

    pyarrow does not check the strings of a file before it decodes them.
    """
    try:
        return column.to_pylist()
    except UnicodeDecodeError:
        return [_value(scalar) for scalar in column]


def _value(scalar: pa.Scalar) -> Any:
    try:
        return scalar.as_py()
    except UnicodeDecodeError as error:
        return error.object


def _records(piece: Range, values: Iterable[Any], column: str) -> Iterator[tuple[int, Record]]:
    for number, value in enumerate(values):
        try:
            text = text_at({column: value}, piece.source.field)
        except Fault as fault:
            sentence = f"{piece.path}: row {number} {fault.left_out.sentence}"
            yield number, Fault(fault.left_out.reason, sentence, fault.remedy)
        else:
            text = text.replace("\0", "\ufffd")
            yield number, Text(text, len(text.encode()))


def check_column(piece: Range, schema: pa.Schema) -> str:
    """The column that holds the field. Raises Fault where there is none, or where it cannot hold text."""
    field = piece.source.field
    column = field if field in schema.names else field.partition(".")[0]
    if column not in schema.names:
        raise lacks_column(piece, schema.names)
    type = schema.field(column).type
    while pa.types.is_dictionary(type) or pa.types.is_list(type) or pa.types.is_large_list(type):
        type = type.value_type
    text_types = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_struct)
    byte_types = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_null)
    if not any(is_type(type) for is_type in (*text_types, *byte_types)):
        raise Fault(
            f"files of {OTHER_TYPE}",
            f"{piece.path}: column {column!r} is of type {schema.field(column).type}, where text is wanted",
            "set field of the source",
        )
    return column


def open_dataset(source: SourceTable, key: str) -> Any:
    """The split of a dataset, memory-mapped; raises UserError when it cannot be opened."""
    from datasets.exceptions import DatasetsError

    try:
        return _load(source)
    except (ValueError, OSError, ImportError, KeyError, DatasetsError, pa.ArrowException) as error:
        reason = " ".join(str(error).split())[:300]
        raise UserError(
            f"{key}: {source.path} cannot be opened as a dataset, split {source.split} ({reason})"
        ) from None


def is_saved_dataset(folder: Path) -> bool:
    """Whether `save_to_disk` of Hugging Face datasets wrote the folder."""
    has_split = (folder / "state.json").is_file() and (folder / "dataset_info.json").is_file()
    return has_split or (folder / "dataset_dict.json").is_file()


def _load(source: SourceTable) -> Any:
    from datasets import disable_progress_bars, load_dataset, load_from_disk

    if not chatter.is_wanted():
        disable_progress_bars()
    folder = Path(source.path)
    if not is_saved_dataset(folder):
        return load_dataset(source.path, source.config or None, split=source.split)
    if not (folder / "dataset_dict.json").is_file():
        return load_from_disk(folder)
    splits = [inner.name for inner in sorted(folder.iterdir()) if is_saved_dataset(inner)]
    if source.split not in splits:
        raise ValueError(f"it has {', '.join(splits)}; set split of the source")
    return load_from_disk(folder / source.split)
