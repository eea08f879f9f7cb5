"""Whether a file is what its name and its source say, from some of its bytes: known before any work begins."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import IO, cast

import fsspec

from configs.common.placeholders import WEB_PAGE, is_web_page
from data_prep.sources import columns, delimited, kinds, megatron
from data_prep.sources.compression import compression_of, open_bytes
from data_prep.sources.encodings import encoding_of, problem
from data_prep.sources.faults import Fault
from data_prep.sources.kinds import HEAD_BYTES
from data_prep.sources.names import TEXTS, format_of
from data_prep.sources.ranges import Range
from data_prep.sources.text_files import open_text, read_fully

_CONVERT = 'set encoding of the source, convert the file to UTF-8, or leave it out with on_error = "skip"'
_LEAVE_OUT = 'or leave it out with on_error = "skip"'


def check(piece: Range, *, is_thorough: bool) -> None:
    """Raises Fault for a file that cannot be read as its format, and the error of the storage or the decompressor.

    A thorough check of a large text also looks at its middle and its end.
    """
    if piece.format == "megatron":
        megatron.num_documents(Path(piece.path))
    if piece.format in ("huggingface", "megatron"):
        return
    _check_compression(piece)
    with open_bytes(piece.path) as file:
        sample = read_fully(file, HEAD_BYTES)
        _check_kind(piece, sample)
        if piece.format == "parquet":
            columns.check_parquet(piece)
            return
        if is_thorough and not compression_of(piece.path):
            sample += _later_samples(file, piece.size)
    _check_encoding(piece, sample)
    if piece.format == "csv":
        delimited.check_columns(piece)


def with_format_of_content(piece: Range) -> Range:
    """The range in the format that the content shows, where the source leaves the choice to us.

    Raises Fault where the content contradicts the name.
    """
    if piece.source.format != "auto" or piece.format not in ("text", "wikiextractor"):
        return piece
    _check_compression(piece)
    with open_text(piece.path, piece.source.encoding) as opened:
        head = read_fully(opened.file, HEAD_BYTES)
    if kinds.is_wikiextractor(head):
        return replace(piece, format="wikiextractor")
    if not _is_json_lines(head):
        return replace(piece, format="text")
    if format_of(piece.path, TEXTS) == "text":
        raise Fault(
            "JSON lines with the name of a text",
            f"{piece.path}: holds JSON lines, but its name ends like that of a text file",
            'set format = "jsonl" for the source, or format = "lines" to train on the JSON itself',
        )
    return replace(piece, format="jsonl")


def _check_compression(piece: Range) -> None:
    """Raises Fault where the compressed bytes do not begin as the ending says."""
    ending = compression_of(piece.path)
    if not ending:
        return
    with fsspec.open(piece.path, "rb") as opened:
        head = read_fully(cast(IO[bytes], opened), HEAD_BYTES)
    if kinds.COMPRESSED[ending].match(head):
        return
    _check_kind(piece, head)
    raise Fault(
        "damaged files",
        f"{piece.path}: does not begin as a {ending} file does; it is damaged, or not compressed",
        f"mend it, take {ending} off its name, {_LEAVE_OUT}",
    )


def _check_kind(piece: Range, head: bytes) -> None:
    kind, remedy = kinds.other_kind(head) or ("", "")
    # An HTML page in a source of another format may be the text that the user wants.
    if not kind and piece.format in ("jsonl", "csv", "parquet") and is_web_page(head):
        kind, remedy = WEB_PAGE
    if kind and not (kind == kinds.PARQUET and piece.format == "parquet"):
        raise Fault(f"files that are {kind}", f"{piece.path}: is {kind}", f"{remedy}, {_LEAVE_OUT}")


def _check_encoding(piece: Range, sample: bytes) -> None:
    encoding = encoding_of(sample, piece.source.encoding)
    text = sample[encoding.mark_bytes :]
    if contradiction := problem(text, encoding):
        raise Fault("files that are not in their encoding", f"{piece.path}: {contradiction}", _CONVERT)


def _later_samples(file: IO[bytes], size: int) -> bytes:
    """Lines from the middle and the end of a file that is longer than the samples are."""
    samples = b""
    for place in (size // 2, size - HEAD_BYTES) if size > 3 * HEAD_BYTES else ():
        file.seek(place)
        chunk = read_fully(file, HEAD_BYTES)
        # From the first line end to the last: a character that is cut in two is not invalid.
        samples += chunk[chunk.find(b"\n") : chunk.rfind(b"\n")]
    return samples


def _is_json_lines(head: bytes) -> bool:
    """Whether the first line, which must be followed by a line end, is an object."""
    line, end, _ = head.lstrip().partition(b"\n")
    try:
        return bool(end) and isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False
