"""What the first bytes of a file say about it."""

from __future__ import annotations

import re

from configs.common.placeholders import POINTER, is_pointer

# Enough to recognise a file and its encoding.
HEAD_BYTES = 2**16

PARQUET = "a parquet file"
_UNPACK = "unpack it, and name the folder"
_TO_TEXT = "convert it to text"
# first bytes -> (what the file is, remedy)
_BEGINNINGS: dict[bytes, tuple[str, str]] = {
    b"PK\x03\x04": ("a ZIP archive or an office document", _UNPACK),
    b"PK\x05\x06": ("an empty ZIP archive", "name another file"),
    b"7z\xbc\xaf\x27\x1c": ("a 7z archive", _UNPACK),
    b"Rar!\x1a": ("a RAR archive", _UNPACK),
    b"%PDF-": ("a PDF document", _TO_TEXT),
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": ("an office document", _TO_TEXT),
    b"{\\rtf": ("an RTF document", _TO_TEXT),
    b"PAR1": (PARQUET, 'set format = "parquet" for the source'),
    b"ARROW1\x00\x00": ("an Arrow file", 'name its folder with format = "huggingface", or convert it to parquet'),
    b"SQLite format 3\x00": ("a SQLite database", "convert it to JSON lines"),
    b"\x89HDF\r\n": ("an HDF5 file", "convert it to JSON lines"),
    b"\x93NUMPY": ("a numpy array", "name files that hold text"),
    b"\x89PNG\r\n": ("a picture", "name files that hold text"),
    b"\xff\xd8\xff": ("a picture", "name files that hold text"),
    b"\x7fELF": ("a program", "name files that hold text"),
    b"\x04\x22\x4d\x18": ("compressed by lz4", "decompress it, or compress it with gzip or zstd"),
}
# ending of a compression -> the first bytes of its files
COMPRESSED = {
    ".gz": re.compile(rb"\x1f\x8b\x08"),
    ".bz2": re.compile(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)"),
    ".xz": re.compile(rb"\xfd7zXZ\x00"),
    # the last alternative: a frame that readers skip
    ".zst": re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18"),
}
# The magic of a tar archive is in its first header.
_TAR = slice(257, 262)


def other_kind(head: bytes) -> tuple[str, str] | None:
    """(what the file is, remedy) for a file that holds no text; None for any other. `head` is decompressed."""
    if is_pointer(head):
        return POINTER
    if head[_TAR] == b"ustar":
        return "a tar archive", _UNPACK
    for ending, beginning in COMPRESSED.items():
        if beginning.match(head):
            return f"compressed as a {ending} file", f"give its name the ending {ending}, once for each compression"
    return next((kind for beginning, kind in _BEGINNINGS.items() if head.startswith(beginning)), None)


def is_wikiextractor(head: bytes) -> bool:
    """Whether a text begins as WikiExtractor writes articles."""
    return head.lstrip().startswith(b"<doc id=")
