"""Tables of text: comma-separated values with quotes, and tab-separated values, which are quoted or not."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any, TextIO

from data_prep.sources.faults import Fault
from data_prep.sources.fields import ABSENT
from data_prep.sources.names import is_tab_separated
from data_prep.sources.ranges import Range
from data_prep.sources.records import Record, Text
from data_prep.sources.text_files import open_text

# A field may be a complete book; Python's own limit is 128 kB.
csv.field_size_limit(2**31 - 1)

_DELIMITERS = ",;\t|"
_RAGGED = "rows with another number of cells than the header"


def records(piece: Range) -> Iterator[tuple[int, Record]]:
    """The rows, each with the number of its first line; the first row names the columns."""
    options = _options(piece)
    with open_text(piece.path, piece.source.encoding) as opened, opened.characters() as file:
        rows = csv.reader(file, **options)
        line = 1
        try:
            columns = next(rows, [])
            column = _column(piece, columns)
            while True:
                line = rows.line_num + 1
                row = next(rows, None)
                if row is None:
                    return
                if row:
                    yield line, _record(piece, line, row, columns, column)
        except csv.Error as error:
            raise Fault(
                "rests of tables after a wrong quote",
                f"{piece.path}: the row at line {line} has a quote that is not closed before the end of its cell "
                f"({error})",
                'write a quote within quotes twice, or leave the rest of the file out with on_error = "skip"',
            ) from None


def check_columns(piece: Range) -> None:
    """Raises Fault where the header lacks the field."""
    with open_text(piece.path, piece.source.encoding) as opened, opened.characters() as file:
        _column(piece, next(csv.reader([file.readline()], delimiter=_delimiter(piece)), []))


def _record(piece: Range, line: int, row: list[str], columns: list[str], column: int) -> Record:
    if len(row) != len(columns):
        return Fault(
            _RAGGED,
            f"{piece.path}: the row at line {line} has {len(row)} cells, and the header has {len(columns)}",
            'quote texts that hold the delimiter or a line end, or leave such rows out with on_error = "skip"',
        )
    text = row[column].replace("\0", "\ufffd")
    return Text(text, len(text.encode()), text.count("\ufffd"))


def _column(piece: Range, columns: list[str]) -> int:
    if piece.source.field not in columns:
        raise lacks_column(piece, columns)
    return columns.index(piece.source.field)


def lacks_column(piece: Range, columns: list[str]) -> Fault:
    return Fault(
        f"files of {ABSENT}",
        f"{piece.path}: has no column {piece.source.field!r} (it has {', '.join(columns)})",
        "set field of the source",
    )


def _options(piece: Range) -> dict[str, Any]:
    """The dialect of a file. Tab-separated values are quoted where reading them so gives a sound table."""
    delimiter = _delimiter(piece)
    quoted = {"delimiter": delimiter, "strict": True}
    if delimiter != "\t" or _is_quoted(piece, quoted):
        return quoted
    return {"delimiter": delimiter, "quoting": csv.QUOTE_NONE}


def _delimiter(piece: Range) -> str:
    """The delimiter that the name tells, unless the header has the field by another delimiter only."""
    usual = "\t" if is_tab_separated(piece.path) else ","
    with open_text(piece.path, piece.source.encoding) as opened, opened.characters() as file:
        header = file.readline()
    for delimiter in usual + _DELIMITERS:
        if piece.source.field in next(csv.reader([header], delimiter=delimiter), []):
            return delimiter
    return usual


def _is_quoted(piece: Range, options: dict[str, Any]) -> bool:
    """Whether a tab-separated file has quoted cells: a quote in it never runs over a row.

    A lone quote would join the rows up to the next quote: then a cell holds a tab and a line end, a row has another
    number of cells, or a closing quote stands within a cell.
    """
    with open_text(piece.path, piece.source.encoding) as opened, opened.characters() as file:
        return _is_sound(file, options)


def _is_sound(file: TextIO, options: dict[str, Any]) -> bool:
    num_columns = None
    try:
        for row in csv.reader(file, **options):
            num_columns = num_columns or len(row)
            if (row and len(row) != num_columns) or any("\t" in cell and "\n" in cell for cell in row):
                return False
    except csv.Error:
        return False
    return True
