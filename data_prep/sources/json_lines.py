"""JSON: a record on each line, or one value for the complete file (`json_values`)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from data_prep.sources import json_values
from data_prep.sources.encodings import whole_characters
from data_prep.sources.faults import Fault
from data_prep.sources.fields import text_at
from data_prep.sources.ranges import Range
from data_prep.sources.records import Record, Text
from data_prep.sources.text import single_lines
from data_prep.sources.text_files import TextFile, open_text

NOT_JSON = "lines that are not JSON"


def records(piece: Range) -> Iterator[tuple[int, Record]]:
    """The records that begin in the range; a file that is one value is never cut into ranges."""
    if piece.end is None and json_values.is_one_value(piece):
        yield from json_values.records(piece)
        return
    with open_text(piece.path, piece.source.encoding) as file:
        for offset, line in single_lines(file, piece):
            yield offset, _record(file, piece, offset, line)


def _record(file: TextFile, piece: Range, offset: int, raw: bytes) -> Record:
    line, num_invalid = file.decode(raw)
    try:
        text, num_replaced = whole_characters(text_at(_value(line), piece.source.field))
    except Fault as fault:
        return Fault(fault.left_out.reason, f"{_place(piece, offset)} {fault.left_out.sentence}", fault.remedy)
    return Text(text, len(raw), num_invalid + num_replaced)


def _value(line: str) -> Any:
    try:
        return json.loads(line)
    except json.JSONDecodeError as error:
        raise Fault(NOT_JSON, f"is not JSON ({error.msg})") from None
    except (ValueError, RecursionError):
        raise Fault(NOT_JSON, "is JSON with numbers too long or objects too deep to be read") from None


def _place(piece: Range, offset: int) -> str:
    """The byte, and the line where the command ends with it: lines before a range are counted by reading them."""
    if piece.source.on_error == "skip":
        return f"{piece.path}: the line at byte {offset}"
    with open_text(piece.path, piece.source.encoding) as file:
        number = 1 + sum(1 for start, _ in file.lines() if start < offset)
    return f"{piece.path}: line {number} (at byte {offset})"
