"""Plain text: documents between blank lines, a document a line, a document a file, and WikiExtractor's articles."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator

from data_prep.sources.faults import Fault
from data_prep.sources.ranges import Range
from data_prep.sources.records import Record, Text
from data_prep.sources.text_files import TextFile, open_text

_ARTICLE = re.compile(rb"<doc\s[^>]*>\s*$")
_END_OF_ARTICLE = b"</doc>"

# (offset, bytes of a document), or (offset, what is wrong there)
_Documents = Iterator[tuple[int, bytes | Fault]]


def reader(cut: Callable[[TextFile, Range], _Documents]) -> Callable[[Range], Iterator[tuple[int, Record]]]:
    """A reader of plain text from a function that cuts a file into documents."""

    def read(piece: Range) -> Iterator[tuple[int, Record]]:
        with open_text(piece.path, piece.source.encoding) as file:
            for offset, raw in cut(file, piece):
                yield offset, raw if isinstance(raw, Fault) else _text(file, raw)

    return read


def articles(piece: Range) -> Iterator[tuple[int, Record]]:
    """WikiExtractor's articles, without their tags; it writes &, < and > as HTML does."""
    for offset, record in reader(_between_tags)(piece):
        if isinstance(record, Text):
            record = Text(html.unescape(record.text), record.num_bytes, record.num_invalid)
        yield offset, record


def _text(file: TextFile, raw: bytes) -> Text:
    text, num_invalid = file.decode(raw)
    return Text(text, len(raw), num_invalid)


def between_blank_lines(file: TextFile, piece: Range) -> _Documents:
    """Documents between blank lines.

    A range owns the documents after the blank lines that begin in it, and after the beginning of the file.
    """
    document: list[bytes] = []
    begin = 0
    is_owned = piece.start == 0
    for offset, line in file.lines(piece.start):
        if line.strip():
            if is_owned:
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
        is_owned = True
    if document:
        yield begin, b"".join(document)


def single_lines(file: TextFile, piece: Range) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank and begin in the range."""
    for offset, line in file.lines(piece.start):
        if piece.end is not None and offset >= piece.end:
            return
        if line.strip():
            yield offset, line


def complete_file(file: TextFile, piece: Range) -> Iterator[tuple[int, bytes]]:
    yield 0, file.file.read()


def _between_tags(file: TextFile, piece: Range) -> _Documents:
    """Articles between lines `<doc ...>` and `</doc>`. A range owns the articles whose first tag begins in it."""
    article: list[bytes] | None = None
    begin = 0
    # Before its first article, a range holds the rest of an article of the range before it.
    is_owned = piece.start == 0
    for offset, line in file.lines(piece.start):
        if _ARTICLE.match(line):
            if article is not None:
                yield begin, _without_end(piece, begin)
            if piece.end is not None and offset >= piece.end:
                return
            article, begin, is_owned = [], offset, True
        elif article is not None and line.strip() == _END_OF_ARTICLE:
            yield begin, b"".join(article)
            article = None
        elif article is not None:
            article.append(line)
        elif is_owned and line.strip():
            yield (
                offset,
                Fault("lines outside of <doc ...>", f"{piece.path}: the line at byte {offset} is outside of <doc ...>"),
            )
    if article is not None:
        yield begin, _without_end(piece, begin)


def _without_end(piece: Range, offset: int) -> Fault:
    return Fault("articles without </doc>", f"{piece.path}: the article at byte {offset} has no </doc>")
