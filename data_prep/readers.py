"""From sources to documents.

The input is cut into tasks by its bytes alone, never by the number of workers, so a corpus is the same for any of them.
A big uncompressed file is cut into byte ranges at the borders of documents.
"""

from __future__ import annotations

import gzip
import json
import lzma
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import IO, cast

import fsspec
from datatrove.data import Document
from datatrove.pipeline.base import PipelineStep
from fsspec.utils import infer_compression

from configs.errors import Unfinished, UserError
from configs.tables import Source

_TEXT, _JSONL = (".txt", ".text"), (".jsonl", ".json")
ENDINGS: dict[str, tuple[str, ...]] = {"text": _TEXT, "jsonl": _JSONL, "auto": _TEXT + _JSONL}
# The input is cut into about 64 tasks, of at least 1 MiB (what a task costs to start) and at most 64 MiB.
_TASKS, _SMALLEST, _LARGEST = 64, 2**20, 2**26
# Characters of a line that are tokenized at once.
_LONGEST_PIECE = 2**16
# A compressed text is about this many times as long as its file.
_COMPRESSED = 3


@dataclass(frozen=True)
class Range:
    """Bytes [start, end) of a file. `end` None: all of it, through its compression."""

    source: int
    path: str
    format: str
    field: str
    start: int
    end: int | None
    size: int

    @property
    def text_bytes(self) -> int:
        """How much text it holds: exact, or an estimate where it is compressed."""
        return self.size if self.end is not None else self.size * _COMPRESSED


def plan(sources: tuple[Source, ...]) -> list[list[Range]]:
    """The tasks: lists of ranges, in the order of the sources. Raises UserError for a source that has no text."""
    if not sources:
        raise UserError("data.sources: empty; name your text, such as data.sources=FOLDER")
    files = [(number, path, size) for number, source in enumerate(sources) for path, size in _files(number, source)]
    total = sum(size * _COMPRESSED if _compressed(path) else size for _, path, size in files)
    task_bytes = min(_LARGEST, max(_SMALLEST, total // _TASKS))
    tasks: list[list[Range]] = []
    room = 0
    for number, path, size in files:
        for piece in _pieces(number, sources[number], path, size, task_bytes):
            if piece.text_bytes > room:
                tasks.append([])
                room = task_bytes
            tasks[-1].append(piece)
            room -= piece.text_bytes
    return tasks


def _files(number: int, source: Source) -> list[tuple[str, int]]:
    """(path, bytes) of a file, or of all fitting files below a folder, by name."""
    key = f"data.sources.{number}.path"
    try:
        fs, root = fsspec.core.url_to_fs(source.path)
        if fs.isfile(root):
            found = [root]
        elif fs.isdir(root):
            found = [path for path in sorted(fs.find(root)) if _fits(path, source.format)]
        else:
            raise UserError(f"{key}: {source.path} does not exist; name a file or a folder")
        sizes = [fs.size(path) for path in found]
    except (OSError, ImportError) as error:
        raise UserError(f"{key}: {source.path} cannot be read ({error})") from None
    endings = ", ".join(ending + more for ending in ENDINGS[source.format] for more in ("", ".gz"))
    if not found:
        raise UserError(f"{key}: {source.path} has no file that ends in {endings}")
    if not any(sizes):
        raise UserError(f"{key}: {source.path} is empty; it must hold text")
    urls = [fs.unstrip_protocol(path) if "://" in source.path else path for path in found]
    return [(url, size) for url, size in zip(urls, sizes, strict=True) if size]


def _fits(path: str, format: str) -> bool:
    return path.removesuffix(".gz").endswith(ENDINGS[format])


def _compressed(path: str) -> bool:
    return infer_compression(path) is not None


def _pieces(number: int, source: Source, path: str, size: int, task_bytes: int) -> list[Range]:
    by_name = "jsonl" if path.removesuffix(".gz").endswith(ENDINGS["jsonl"]) else "text"
    whole = (number, path, by_name if source.format == "auto" else source.format, source.field)
    if _compressed(path):
        return [Range(*whole, 0, None, size)]
    count = -(-size // task_bytes)
    borders = [size * piece // count for piece in range(count + 1)]
    return [Range(*whole, start, end, end - start) for start, end in pairwise(borders)]


class ReadRanges(PipelineStep):
    """The documents of one task. Metadata: `source`, `bytes`, and `invalid`, the sequences that were no UTF-8."""

    type = "READER"
    name = "byte ranges"

    def __init__(self, tasks: list[list[Range]]):
        super().__init__()
        self.tasks = tasks

    def run(self, data=None, rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        for piece in self.tasks[rank]:
            yield from documents(piece)


def documents(piece: Range) -> Iterator[Document]:
    """The documents that begin in a range; raises UserError for a file that cannot be read as it is declared."""
    try:
        with fsspec.open(piece.path, "rb", compression="infer") as opened:
            file = cast(IO[bytes], opened)
            read = _text_documents if piece.format == "text" else _jsonl_documents
            for offset, raw in read(file, piece):
                text, invalid = _decode(raw)
                if piece.format == "jsonl":
                    text, halves = _whole_characters(_field(text, piece, offset))
                    invalid += halves
                if text.strip():
                    metadata = {"source": piece.source, "bytes": len(raw), "invalid": invalid}
                    yield Document(text=text, id=f"{piece.path}:{offset}", metadata=metadata)
    except (EOFError, zlib.error, gzip.BadGzipFile, lzma.LZMAError) as error:
        raise UserError(f"{piece.path}: is damaged, it cannot be decompressed to its end ({error})") from None
    except OSError as error:
        raise Unfinished(f"{piece.path}: cannot be read now ({error}); the same command goes on") from None


def _lines(file: IO[bytes], start: int) -> Iterator[tuple[int, bytes]]:
    """(offset, line) from the first line that begins at or after `start`."""
    offset = start
    if start:
        file.seek(start - 1)
        offset = start - 1 + len(file.readline())
    for line in file:
        yield offset, line
        offset += len(line)


def _text_documents(file: IO[bytes], piece: Range) -> Iterator[tuple[int, bytes]]:
    """Documents between blank lines. A range owns those whose blank line before them, or the file's start, it holds."""
    document: list[bytes] = []
    begin = 0
    ours = piece.start == 0
    for offset, line in _lines(file, piece.start):
        if line.strip():
            if ours:
                begin = begin if document else offset
                document.append(line)
            elif piece.end is not None and offset >= piece.end:
                return
            continue
        if document:
            yield begin, b"".join(document)
            document = []
        if piece.end is not None and offset >= piece.end:
            return
        ours = True
    if document:
        yield begin, b"".join(document)


def _jsonl_documents(file: IO[bytes], piece: Range) -> Iterator[tuple[int, bytes]]:
    """One line, one document."""
    for offset, line in _lines(file, piece.start):
        if piece.end is not None and offset >= piece.end:
            return
        if line.strip():
            yield offset, line


def _decode(raw: bytes) -> tuple[str, int]:
    """The text, with U+FFFD for what is no UTF-8, and how many times that was."""
    try:
        return raw.decode("utf-8"), 0
    except UnicodeDecodeError:
        text = raw.decode("utf-8", errors="replace")
        return text, text.count("\ufffd") - raw.count("\ufffd".encode())


def _whole_characters(text: str) -> tuple[str, int]:
    """Half a surrogate pair, which JSON can escape, is no character: U+FFFD for each, and how many there were."""
    repaired = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return repaired, repaired.count("\ufffd") - text.count("\ufffd")


def _field(line: str, piece: Range, offset: int) -> str:
    where = f"{piece.path}: the line at byte {offset}"
    try:
        value = json.loads(line)
    except json.JSONDecodeError as error:
        raise UserError(f"{where} is not JSON ({error.msg})") from None
    text = value.get(piece.field) if isinstance(value, dict) else None
    if not isinstance(text, str):
        keys = ", ".join(map(str, value)) if isinstance(value, dict) else f"a {type(value).__name__}"
        raise UserError(f"{where} has no text under {piece.field!r} (it has {keys}); set data.sources field")
    return text


def lines(text: str) -> Iterator[str]:
    """The lines of a document, long ones in pieces: what is made of a line at once takes eighty times its memory.

    A piece ends at white space where there is some, which no word piece crosses.
    """
    for line in text.splitlines():
        start = 0
        while len(line) - start > _LONGEST_PIECE:
            cut = line.rfind(" ", start + 1, start + _LONGEST_PIECE)
            cut = cut if cut > 0 else start + _LONGEST_PIECE
            yield line[start:cut]
            start = cut
        yield line[start:]
