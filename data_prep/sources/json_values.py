"""JSON that is one value for the complete file: an array of records, an object with a list of records, or a record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import IO, Any, TextIO

from data_prep.sources.encodings import whole_characters
from data_prep.sources.faults import Fault
from data_prep.sources.fields import text_at
from data_prep.sources.kinds import HEAD_BYTES
from data_prep.sources.ranges import Range
from data_prep.sources.records import Record, Text
from data_prep.sources.text_files import open_text

_CHUNK = 2**20
# An error this close to the end of the text read so far may come from a record that is not complete yet.
_NEAR_END = 16


def is_one_value(piece: Range) -> bool:
    """Whether a file is an array, an object over several lines, or one line with an object that holds records."""
    with open_text(piece.path, piece.source.encoding) as opened:
        file = opened.file
        first = _next_line(file)
        if first[:1] == b"[":
            return True
        if first[:1] != b"{":
            return False
        if not first.endswith(b"\n"):
            first += file.readline()
        following = _next_line(file)
        text = opened.decode(first)[0].rstrip()
    try:
        value = json.loads(text)
        return not following and _list_under(value, piece.source.field) is not None
    except json.JSONDecodeError as error:
        return error.pos >= len(text) and following[:1] not in (b"", b"{")
    except (ValueError, RecursionError):
        return False
    except Fault:
        return True


def _next_line(file: IO[bytes]) -> bytes:
    """The beginning of the next line that is not blank, without spaces before it; empty at the end of the file."""
    while line := file.readline(HEAD_BYTES):
        if line.strip():
            return line.lstrip()
    return b""


def records(piece: Range) -> Iterator[tuple[int, Record]]:
    """Records, numbered from 1."""
    with open_text(piece.path, piece.source.encoding) as opened, opened.characters() as file:
        field = piece.source.field
        try:
            values, field = _values(file, field)
            for number, value in enumerate(values, 1):
                yield number, _record(piece, number, value, field)
        except Fault as fault:
            raise Fault(fault.left_out.reason, f"{piece.path}: {fault.left_out.sentence}", fault.remedy) from None
        except json.JSONDecodeError as error:
            raise Fault(
                "rests of JSON files",
                f"{piece.path}: is not JSON, or cut short ({error})",
                'mend it, or leave its rest out with on_error = "skip"',
            ) from None
        except (ValueError, RecursionError):
            raise Fault(
                "rests of JSON files", f"{piece.path}: has numbers too long or objects too deep to be read"
            ) from None


def _values(file: TextIO, field: str) -> tuple[Iterator[Any], str]:
    """(the records of the file, the field of their text)."""
    begin = ""
    while not begin.strip() and (chunk := file.read(_CHUNK)):
        begin = chunk
    if begin.lstrip().startswith("["):
        return _elements(begin, file), field
    value = json.loads(begin + file.read())
    records, field = _list_under(value, field) or ([value], field)
    return iter(records), field


def _list_under(value: Any, field: str) -> tuple[list[Any], str] | None:
    """(the list of records in an object, the field of their text); None where the object is a record itself.

    The list stands on the way that `field` names, or else it is the only list of objects.
    """
    node, rest = value, field
    while isinstance(node, dict) and rest:
        first, _, rest = rest.partition(".")
        node = node.get(first)
        if isinstance(node, list) and rest:
            return node, rest
    if isinstance(node, str) or not isinstance(value, dict):
        return None
    lists = [name for name, inner in value.items() if isinstance(inner, list) and inner and isinstance(inner[0], dict)]
    lists = [name for name in lists if field.partition(".")[0] in value[name][0]] or lists
    if len(lists) > 1:
        raise Fault(
            "JSON files with several lists of records",
            f"is one object with records under {', '.join(lists)}",
            f'name one list, such as field = "{lists[0]}.{field}"',
        )
    return (value[lists[0]], field) if lists else None


def _elements(text: str, file: TextIO) -> Iterator[Any]:
    """The elements of an array, decoded one at a time, so that the array need not fit into memory."""
    decoder = json.JSONDecoder()
    place = text.index("[") + 1
    is_first = True
    while True:
        text, place = _without_space(text, place, file)
        if text[place : place + 1] == "]":
            break
        if not is_first:
            if text[place : place + 1] != ",":
                raise json.JSONDecodeError("Expecting ',' delimiter", text, place)
            text, place = _without_space(text, place + 1, file)
        value, text, place = _element(decoder, text, place, file)
        yield value
        is_first = False
    if (text[place + 1 :] + file.read(_CHUNK)).strip():
        raise json.JSONDecodeError("Extra data after the array", text, place + 1)


def _without_space(text: str, place: int, file: TextIO) -> tuple[str, int]:
    """(text, place) of the next character that is no white space. More is read where the text has none."""
    while True:
        while place < len(text) and text[place] in " \t\r\n":
            place += 1
        if place < len(text):
            return text, place
        text, place = file.read(_CHUNK), 0
        if not text:
            return "", 0


def _element(decoder: json.JSONDecoder, text: str, place: int, file: TextIO) -> tuple[Any, str, int]:
    """(element, text, the place after the element)."""
    text = text[place:]
    size = _CHUNK
    while True:
        try:
            value, end = decoder.raw_decode(text)
            if end < len(text):
                return value, text, end
        except json.JSONDecodeError as error:
            if error.pos < len(text) - _NEAR_END and not error.msg.startswith("Unterminated"):
                raise
            if not (more := file.read(size)):
                raise
        else:
            if not (more := file.read(size)):
                return value, text, end
        # Twice as much each time: a long record is decoded few times.
        text, size = text + more, 2 * size


def _record(piece: Range, number: int, value: Any, field: str) -> Record:
    try:
        text, _ = whole_characters(text_at(value, field))
    except Fault as fault:
        sentence = f"{piece.path}: record {number} {fault.left_out.sentence}"
        return Fault(fault.left_out.reason, sentence, fault.remedy)
    return Text(text, len(text.encode()), text.count("\ufffd"))
