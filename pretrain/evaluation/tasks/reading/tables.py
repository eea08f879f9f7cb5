"""Tables in .tsv and .csv become records by the names in their first row."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from typing import Any, Literal

from pretrain.evaluation.tasks.reading.fields import LABELS, TEXTS
from pretrain.evaluation.tasks.reading.trees import Record

# CoLA's file is the only one of GLUE without a header.
_COLA = ("source", "label", "star", "sentence")
# Some documents of law are longer than the csv module's default limit of 131,072 characters for a cell.
csv.field_size_limit(sys.maxsize)


def tsv_records(text: str) -> list[Record]:
    """GLUE's form: tabs between columns, and quotes are ordinary characters unless the file is clearly quoted.

    It is if the whole header is quoted, or if only quotes give every row as many cells as the header: then a cell holds
    a tab or a line end.
    """
    header = text.split("\n", 1)[0].strip("\r").split("\t")
    is_quoted = all(len(name) > 1 and name[0] == name[-1] == '"' for name in header)
    if not is_quoted and not _is_even(_tsv_rows(text, csv.QUOTE_NONE)):
        is_quoted = _is_even(_tsv_rows(text, csv.QUOTE_MINIMAL))
    return _records(_tsv_rows(text, csv.QUOTE_MINIMAL if is_quoted else csv.QUOTE_NONE))


def _tsv_rows(text: str, quoting: Literal[0, 3]) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(text, newline=""), delimiter="\t", quoting=quoting, strict=True)


def _is_even(rows: Iterator[list[str]]) -> bool:
    """Whether all rows have as many cells as the first one."""
    try:
        return len({len(row) for row in rows if row}) == 1
    except csv.Error:
        return False


def csv_records(text: str) -> list[Record]:
    """Commas between columns, or semicolons where the header has no comma; cells may be quoted."""
    header = text.split("\n", 1)[0]
    delimiter = ";" if ";" in header and "," not in header else ","
    return _records(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))


def _records(reader: Any) -> list[Record]:
    """Raises ValueError for a row with more cells than the header; missing cells at its end are missing fields."""
    rows = [row for row in reader if any(cell.strip() for cell in row)]
    if not rows:
        return []
    names = _header(rows[0])
    if names is None:
        if len(rows[0]) != len(_COLA) or rows[0][1] not in ("0", "1"):
            raise ValueError(
                f"its first row ({', '.join(rows[0])[:80]}) names no text field that is known, such as text or "
                "sentence1 and sentence2; add a row with the names of the columns"
            )
        names, rows = list(_COLA), [[], *rows]
    for number, row in enumerate(rows[1:], 2):
        if any(cell.strip() for cell in row[len(names) :]):
            raise ValueError(f"row {number} has {len(row)} cells, and the header names {len(names)}")
    return [dict(zip(names, row, strict=False)) for row in rows[1:]]


def _header(row: list[str]) -> list[str] | None:
    """The names of the columns, in lower case where only that makes them known; None for a row of data."""
    known = {name for names in (*TEXTS, LABELS) for name in names} | {"tokens", "context", "choices"}
    texts = {name for names in TEXTS for name in names}
    for names in (row, [name.strip() for name in row], [name.strip().lower() for name in row]):
        if texts & set(names):
            return [name if name in known else original for name, original in zip(names, row, strict=True)]
    return None
