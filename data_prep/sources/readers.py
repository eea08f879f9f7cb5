"""From a range of a source to documents."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import numpy as np
from datatrove.pipeline.base import PipelineStep
from numpy.typing import NDArray

from configs.common import randomness
from configs.common.errors import Unfinished, UserError
from configs.corpus_tables import DataTable
from data_prep.document import SourceDocument
from data_prep.normalize import normalizer
from data_prep.sources import megatron
from data_prep.sources.columns import csv_texts, dataset_texts, parquet_texts
from data_prep.sources.compression import Damage, open_bytes
from data_prep.sources.ranges import Range

# Characters of a line that are tokenized at once.
_LONGEST_PIECE = 2**16
_MARK = b"\xef\xbb\xbf"  # some editors begin UTF-8 with it


@dataclass(frozen=True)
class _Found:
    """A document, or in its place the reason why there is none."""

    text: str = ""
    bytes: int = 0
    invalid: int = 0
    tokens: list[NDArray[np.integer]] | None = None
    skipped: str = ""


class ReadRanges(PipelineStep):
    """The documents of one task, each as often as the weight of its source says.

    What could not be read is a document too, with `skip_reason` and without text, so that later steps count it.
    """

    type = "READER"
    name = "sources"

    def __init__(self, tasks: list[list[Range]], data: DataTable, seed: int):
        super().__init__()
        self.tasks, self.data, self.seed = tasks, data, seed

    def run(self, data=None, rank: int = 0, world_size: int = 1) -> Iterator[SourceDocument]:
        for piece in self.tasks[rank]:
            yield from weighted(piece, self.data, self.seed)


def weighted(piece: Range, data: DataTable, seed: int) -> Iterator[SourceDocument]:
    """The documents of a range, normalized, each `weight` times on average; its words alone decide how often."""
    whole, share = divmod(piece.source.weight, 1)
    normalize = normalizer(data.normalize)
    for document in documents(piece):
        document.text = normalize(document.text)
        drawn = bool(share) and randomness.uniform(seed, "weight", document.key) < share
        for copy in range(1 if document.skip_reason else int(whole) + drawn):
            yield replace(document, copy=copy)


def documents(piece: Range) -> Iterator[SourceDocument]:
    """The documents that begin in a range.

    Raises UserError for a file that is damaged or is not what its source declares, unless the source says to skip that.
    """
    place = 0
    try:
        for place, found in _READERS[piece.format](piece):
            if found.text.strip() or found.tokens or found.skipped:
                yield _document(piece, f"{piece.path}:{place}", found)
    except Damage as error:
        sentence = f"{piece.path}: is damaged after {place:,} bytes of its text ({error or type(error).__name__})"
        if piece.source.on_error == "stop":
            raise UserError(f'{sentence}; mend it, or leave out the rest of it with on_error = "skip"') from None
        yield _document(piece, piece.path, _Found(skipped=sentence))
    except OSError as error:
        raise Unfinished(f"{piece.path}: cannot be read now ({error}); the same command goes on") from None


def _document(piece: Range, name: str, found: _Found) -> SourceDocument:
    return SourceDocument(
        text=found.text,
        id=name,
        source=piece.number,
        num_bytes=found.bytes,
        invalid_sequences=found.invalid,
        token_ids=found.tokens,
        skip_reason=found.skipped,
    )


def _of_bytes(
    cut: Callable[[IO[bytes], Range], Iterator[tuple[int, bytes]]],
) -> Callable[[Range], Iterator[tuple[int, _Found]]]:
    """A reader of plain text from what cuts a file into documents."""

    def read(piece: Range) -> Iterator[tuple[int, _Found]]:
        with open_bytes(piece.path) as file:
            for offset, raw in cut(file, piece):
                text, invalid = _decode(raw, piece.source.encoding)
                yield offset, _Found(text, len(raw), invalid)

    return read


def _jsonl(piece: Range) -> Iterator[tuple[int, _Found]]:
    with open_bytes(piece.path) as file:
        for offset, raw in _single_lines(file, piece):
            line, invalid = _decode(raw, piece.source.encoding)
            try:
                text, halves = _whole_characters(_field(line, piece.source.field))
                yield offset, _Found(text, len(raw), invalid + halves)
            except ValueError as error:
                sentence = f"{piece.path}: the line at byte {offset} {error}"
                if piece.source.on_error == "stop":
                    raise UserError(sentence) from None
                yield offset, _Found(skipped=sentence)


def _csv(piece: Range) -> Iterator[tuple[int, _Found]]:
    with open_bytes(piece.path) as file:
        for number, text in csv_texts(file, piece):
            yield number, _Found(text, len(text.encode()), text.count("\ufffd"))


def _of_texts(read: Callable[[Range], Iterator[tuple[int, str]]]) -> Callable[[Range], Iterator[tuple[int, _Found]]]:
    return lambda piece: ((number, _Found(text, len(text.encode()))) for number, text in read(piece))


def _megatron(piece: Range) -> Iterator[tuple[int, _Found]]:
    end = megatron.num_documents(Path(piece.path)) if piece.end is None else piece.end
    for number, tokens in enumerate(megatron.documents(Path(piece.path), piece.start, end), piece.start):
        yield number, _Found(bytes=sum(ids.nbytes for ids in tokens), tokens=tokens)


def _lines(file: IO[bytes], start: int) -> Iterator[tuple[int, bytes]]:
    """(offset, line) from the first line that begins at or after `start`."""
    offset = start
    if start:
        file.seek(start - 1)
        offset = start - 1 + len(file.readline())
    for line in file:
        yield offset, line if offset else line.removeprefix(_MARK)
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


def _single_lines(file: IO[bytes], piece: Range) -> Iterator[tuple[int, bytes]]:
    """One line, one document."""
    for offset, line in _lines(file, piece.start):
        if piece.end is not None and offset >= piece.end:
            return
        if line.strip():
            yield offset, line


def _whole_file(file: IO[bytes], piece: Range) -> Iterator[tuple[int, bytes]]:
    yield 0, file.read().removeprefix(_MARK)


_READERS: dict[str, Callable[[Range], Iterator[tuple[int, _Found]]]] = {
    "text": _of_bytes(_text_documents),
    "lines": _of_bytes(_single_lines),
    "file": _of_bytes(_whole_file),
    "jsonl": _jsonl,
    "csv": _csv,
    "parquet": _of_texts(parquet_texts),
    "huggingface": _of_texts(dataset_texts),
    "megatron": _megatron,
}


def _decode(raw: bytes, encoding: str) -> tuple[str, int]:
    """The text, with U+FFFD for what is none in its encoding, and how many times that was."""
    try:
        return raw.decode(encoding), 0
    except UnicodeDecodeError:
        text = raw.decode(encoding, errors="replace")
        return text, text.count("\ufffd") - raw.decode(encoding, errors="ignore").count("\ufffd")


def _whole_characters(text: str) -> tuple[str, int]:
    """Half a surrogate pair, which JSON can escape, is no character: U+FFFD for each, and how many there were."""
    repaired = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return repaired, repaired.count("\ufffd") - text.count("\ufffd")


def _field(line: str, field: str) -> str:
    """Raises ValueError with the rest of a sentence about the line."""
    try:
        value = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON ({error.msg})") from None
    except (ValueError, RecursionError):
        raise ValueError("is JSON with numbers too long or objects too deep to be read") from None
    text = value.get(field) if isinstance(value, dict) else None
    if not isinstance(text, str):
        keys = ", ".join(map(str, value)) if isinstance(value, dict) else f"a {type(value).__name__}"
        raise ValueError(f"has no text under {field!r} (it has {keys}); set field of the source")
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
