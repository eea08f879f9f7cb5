"""The splits of a task with the examples of their files, before labels are resolved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from configs.common.errors import UserError
from pretrain.evaluation.tasks.reading.fields import LABELS, NUMBERS, SCORES, text_fields
from pretrain.evaluation.tasks.reading.files import SPLITS, files_of, reason, records_of
from pretrain.evaluation.tasks.reading.records import RawExample, parse_record
from pretrain.evaluation.tasks.reading.trees import Record

_WRONG = (KeyError, TypeError, ValueError, AttributeError, OverflowError)
_INDICATORS = ("0", "1", "0.0", "1.0", "true", "false")
# Indicators of a test file whose labels are hidden.
_HIDDEN_INDICATORS = ("-1", "-1.0", "", "none")


@dataclass(frozen=True)
class RawSplit:
    name: str
    files: tuple[Path, ...]
    examples: list[RawExample]


def read_splits(folder: Path, notes: list[str]) -> dict[str, RawSplit]:
    """The splits for which there are files. Raises UserError with file and number of a record that is malformed."""
    files = {split: files_of(folder, split) for split in SPLITS}
    records = {file: records_of(file) for split in files.values() for file in split}
    columns = _indicator_columns([record for file in files["train"] for record in records[file]])
    if columns:
        notes.append(f"the columns {', '.join(columns)} hold zeros and ones, so each is a class of a text")
    return {
        split: RawSplit(split, tuple(paths), [e for file in paths for e in _examples(file, records[file], columns)])
        for split, paths in files.items()
        if paths
    }


def _examples(file: Path, records: Sequence[Record], columns: Sequence[str]) -> list[RawExample]:
    examples: list[RawExample] = []
    for number, record in enumerate(records, 1):
        try:
            examples.append(parse_record(_with_label_list(record, columns) if columns else record))
        except _WRONG as error:
            fields = ", ".join(map(str, record))
            raise UserError(f"{file}: record {number}: {reason(error)}; fields: {fields}") from None
    return examples


def _indicator_columns(records: Sequence[Record]) -> list[str]:
    """The columns of zeros and ones in records of texts that have no label of another kind."""
    if not records or text_fields(dict(records[0])) is None or any(name in records[0] for name in (*LABELS, *SCORES)):
        return []
    texts = {name for record in records[:1] for name in text_fields(dict(record)) or ()}
    names = [name for name in records[0] if name not in texts and name.lower() not in NUMBERS]
    columns = [name for name in names if all(_is_in(record.get(name), _INDICATORS) for record in records)]
    return columns if len(columns) > 1 else []


def _is_in(value: object, texts: Sequence[str]) -> bool:
    return not isinstance(value, (list, dict)) and str(value).strip().lower() in texts


def _with_label_list(record: Record, columns: Sequence[str]) -> Record:
    """Return the record with the names of its classes as `labels`, or without `labels` if its indicators are hidden.

    Raises ValueError for an indicator that is no zero or one.
    """
    values = {name: record.get(name) for name in columns}
    if all(value is None or _is_in(value, _HIDDEN_INDICATORS) for value in values.values()):
        return record
    for name, value in values.items():
        if not _is_in(value, _INDICATORS):
            raise ValueError(f"{name} is {value!r}, and a zero or a one is expected")
    chosen = [name for name, value in values.items() if str(value).strip().lower() in ("1", "1.0", "true")]
    return {**record, "labels": chosen}
