"""Every format x compression x type of the field, and x damage: read, or refused by name, or left out and counted.

The expected answers follow from rules. A new format is a line of FORMATS and gets all cells.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import itertools
import json
import lzma
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from configs.common.errors import UserError
from data_prep.sources.faults import DAMAGE
from data_prep.sources.fields import ABSENT, NULL, OTHER_TYPE
from tests.data_prep.sources.reading import left_out, texts

TEXTS = ["the first text", "第二 “text”, with a comma", "a third\ttext"]
NOTHING = object()  # the record has no such field

COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".bz2": bz2.compress,
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.ZstdCompressor(write_checksum=True).compress,
}
# type of the field -> (a value, the text that it is read as or the reason why it is none)
VALUES: dict[str, tuple[Any, str | None, str]] = {
    "text": ("a fourth", "a fourth", ""),
    "empty text": ("", None, "empty records"),
    "null": (None, None, NULL),
    "absent": (NOTHING, None, ABSENT),
    "number": (3.5, None, OTHER_TYPE),
    "object": ({"inner": "text"}, None, OTHER_TYPE),
    "list of strings": (["one", "two"], "one\ntwo", ""),
    "list with a number": (["one", 2], None, OTHER_TYPE),
    "empty list": ([], None, "empty records"),
}


def plain(separator: str) -> Callable[[list[Any]], bytes]:
    return lambda values: separator.join(values).encode()


def records(values: list[Any]) -> list[dict[str, Any]]:
    return [{"id": number} | ({} if value is NOTHING else {"text": value}) for number, value in enumerate(values)]


def json_lines(values: list[Any]) -> bytes:
    return "".join(json.dumps(record) + "\n" for record in records(values)).encode()


def articles(values: list[str]) -> bytes:
    return "".join(f'<doc id="{n}" url="u" title="t">\n{value}\n</doc>\n' for n, value in enumerate(values)).encode()


def table(delimiter: str, quoting: Any = csv.QUOTE_MINIMAL) -> Callable[[list[str]], bytes]:
    def write(values: list[str]) -> bytes:
        file = io.StringIO(newline="")
        csv.writer(file, delimiter=delimiter, quoting=quoting).writerows([("id", "text"), *enumerate(values)])
        return file.getvalue().encode()

    return write


def parquet(values: list[Any]) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(records(values)), file)
    return file.getvalue()


@dataclass(frozen=True)
class Format:
    name: str
    write: Callable[[list[Any]], bytes]
    # the types of the field that it can hold beside texts
    types: tuple[str, ...]
    # Whether a file that is cut short can be told from a shorter file.
    shows_cuts: bool
    is_text: bool = True


TEXT_ONLY, ALL = ("text",), tuple(VALUES)
FORMATS = {
    "text": Format("a.txt", plain("\n\n"), TEXT_ONLY, shows_cuts=False),
    "lines": Format("a.txt", plain("\n"), TEXT_ONLY, shows_cuts=False),
    "wikiextractor": Format("wiki_00", articles, TEXT_ONLY, shows_cuts=True),
    "jsonl": Format("a.jsonl", json_lines, ALL, shows_cuts=True),
    "json array": Format("a.json", lambda v: json.dumps(records(v)).encode(), ALL, shows_cuts=True),
    "json, pretty": Format("a.json", lambda v: json.dumps(records(v), indent=1).encode(), ALL, shows_cuts=True),
    "json, under a key, pretty": Format(
        "a.json", lambda v: json.dumps({"version": 1, "data": records(v)}, indent=1).encode(), ALL, shows_cuts=True
    ),
    "json, under a key": Format(
        "a.json", lambda v: json.dumps({"version": 1, "data": records(v)}).encode(), ALL, shows_cuts=True
    ),
    "csv": Format("a.csv", table(","), ("text", "empty text"), shows_cuts=False),
    "tsv, quoted": Format("a.tsv", table("\t"), ("text", "empty text"), shows_cuts=False),
    # in a column of one type, as typed tables have it, only a null is another value
    "parquet": Format("a.parquet", parquet, ("text", "empty text", "null"), shows_cuts=True, is_text=False),
}
FORMAT_KEYS = {"text": "text", "lines": "lines"}


def keys(format: str) -> dict[str, Any]:
    return {"format": FORMAT_KEYS[format]} if format in FORMAT_KEYS else {}


def write(folder: Path, format: str, compression: str, content: bytes) -> Path:
    path = folder / (FORMATS[format].name + compression)
    path.write_bytes(COMPRESSIONS[compression](content))
    return path


TYPE_CELLS = [
    (format, compression, type)
    for format, compression in itertools.product(FORMATS, COMPRESSIONS)
    for type in FORMATS[format].types
]


@pytest.mark.parametrize(("format", "compression", "type"), TYPE_CELLS)
def test_types_of_the_field(tmp_path: Path, format: str, compression: str, type: str) -> None:
    value, text, reason = VALUES[type]
    content = FORMATS[format].write([*TEXTS[:2], value, TEXTS[2]])
    path = write(tmp_path, format, compression, content)
    expected = [*TEXTS[:2], *([text] if text else []), TEXTS[2]]
    assert texts(tmp_path, on_error="skip", **keys(format)) == expected
    assert left_out(tmp_path, on_error="skip", **keys(format)) == ({reason: 1} if reason else {})
    if reason in ("", "empty records"):
        assert texts(tmp_path, **keys(format)) == expected
        return
    with pytest.raises(UserError, match=f"{path.name}: (line|record|row) "):
        texts(tmp_path, **keys(format))


def cut(content: bytes) -> bytes:
    return content[: len(content) * 2 // 3]


def flipped(content: bytes) -> bytes:
    """The middle is overwritten."""
    middle = len(content) // 2
    return content[:middle] + bytes(8) + content[middle + 8 :]


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n"
# damage -> (what it makes of the bytes of a file, whether every format shows it)
DAMAGES: dict[str, tuple[Callable[[bytes], bytes], bool]] = {
    "cut short": (cut, False),
    "overwritten": (flipped, False),
    "a Git LFS pointer": (lambda content: POINTER, True),
    "a ZIP archive": (lambda content: b"PK\x03\x04" + content, True),
    "a PDF document": (lambda content: b"%PDF-1.7\n" + content, True),
}
DAMAGE_CELLS = list(itertools.product(FORMATS, COMPRESSIONS, DAMAGES))


@pytest.mark.parametrize(("format", "compression", "damage"), DAMAGE_CELLS)
def test_damage(tmp_path: Path, format: str, compression: str, damage: str) -> None:
    """Damage of the file as it lies on disk: of the compressed bytes where there are any."""
    change, is_always_seen = DAMAGES[damage]
    path = write(tmp_path, format, compression, FORMATS[format].write(TEXTS * 20))
    path.write_bytes(change(path.read_bytes()))
    is_seen = is_always_seen or bool(compression) or (damage == "cut short" and FORMATS[format].shows_cuts)
    outcomes = {}
    for on_error in ("stop", "skip"):
        try:
            texts(tmp_path, on_error=on_error, **keys(format))
            outcomes[on_error] = left_out(tmp_path, on_error=on_error, **keys(format))
        except UserError as error:  # no other error may come, and never Unfinished
            assert path.name in str(error)
            outcomes[on_error] = {"refused": 1}
    if is_seen:
        assert outcomes["stop"] == {"refused": 1}
        assert outcomes["skip"]


ENCODINGS = {"utf-8-sig": "", "utf-16": "", "utf-32": "", "utf-16-le": "utf-16-le", "gb18030": "gb18030"}
TEXT_CELLS = list(itertools.product([name for name in FORMATS if FORMATS[name].is_text], COMPRESSIONS, ENCODINGS))


@pytest.mark.parametrize(("format", "compression", "encoding"), TEXT_CELLS)
def test_encodings(tmp_path: Path, format: str, compression: str, encoding: str) -> None:
    """With a mark they are recognised, and without a mark they are read as stated and refused otherwise."""
    chinese = ["患者早上服药，晚上感觉好转。", "第二天出院，没有其他症状。"]
    content = FORMATS[format].write(chinese).decode()
    if format.startswith("json"):
        content = content.encode().decode("unicode-escape").encode("utf-16", "surrogatepass").decode("utf-16")
    path = write(tmp_path, format, compression, content.encode(encoding))
    stated = {"encoding": ENCODINGS[encoding]} if ENCODINGS[encoding] else {}
    assert texts(tmp_path, **stated, **keys(format)) == chinese
    if stated:
        with pytest.raises(UserError, match=rf"{path.name}: (is not utf-8 text|holds too many NUL)"):
            texts(tmp_path, **keys(format))


@pytest.mark.parametrize(("format", "compression"), itertools.product(["text", "lines", "jsonl", "csv"], COMPRESSIONS))
def test_line_ends_of_an_old_macintosh(tmp_path: Path, format: str, compression: str) -> None:
    content = FORMATS[format].write(TEXTS).replace(b"\r\n", b"\n").replace(b"\n", b"\r")
    write(tmp_path, format, compression, content)
    assert texts(tmp_path, **keys(format)) == TEXTS


COLUMNS = {
    "dictionary": (pa.array(TEXTS).dictionary_encode(), TEXTS),
    "large_string": (pa.array(TEXTS, pa.large_string()), TEXTS),
    "bytes": (pa.array([text.encode() for text in TEXTS]), TEXTS),
    "list of strings": (pa.array([[text, "end"] for text in TEXTS]), [f"{text}\nend" for text in TEXTS]),
    "number": (pa.array([1, 2, 3]), "column 'text' is of type int64, where text is wanted"),
    "list of numbers": (pa.array([[1], [2]]), "is of type list<"),
    "struct": (pa.array([{"inner": "a"}]), "has an object under 'text', where text is wanted .it has inner"),
    "bytes that are no text": (pa.array([b"\xff\xfe\x00"]), "has bytes under 'text' that are not UTF-8 text"),
}


@pytest.mark.parametrize(("type", "compression"), itertools.product(COLUMNS, COMPRESSIONS))
def test_types_of_a_parquet_column(tmp_path: Path, type: str, compression: str) -> None:
    """A column called `media` beside it does no harm."""
    column, expected = COLUMNS[type]
    file = io.BytesIO()
    pq.write_table(pa.table({"media": ["m"] * len(column), "text": column}), file)
    write(tmp_path, "parquet", compression, file.getvalue())
    if isinstance(expected, list):
        assert texts(tmp_path) == expected
        return
    with pytest.raises(UserError, match=expected):
        texts(tmp_path)


def test_every_error_of_a_decompressor_is_known() -> None:
    """Else damage would be a traceback."""
    assert {EOFError, gzip.BadGzipFile, lzma.LZMAError, zstandard.ZstdError} <= set(DAMAGE)
