"""The texts that are proofread: files, and standard input."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from configs.common.errors import UserError
from configs.common.placeholders import placeholder

STANDARD_INPUT = "-"


@dataclass(frozen=True)
class Text:
    file: str  # as the user gave it
    content: str  # without a byte order mark, and with the line ends of the file


def read_texts(files: list[str]) -> list[Text]:
    """Read all files. Raises UserError for the first one that is no text in UTF-8, or is empty."""
    return [Text(file, _decoded(file, _content(file))) for file in files]


def _content(file: str) -> bytes:
    if file == STANDARD_INPUT:
        return sys.stdin.buffer.read()
    path = Path(file)
    if path.is_dir():
        raise UserError(f"{file}: is a folder; name its files")
    if not path.exists():
        raise UserError(f"{file}: no such file")
    if instead := placeholder(path):
        raise UserError(f"{file}: {instead}")
    return path.read_bytes()


def _decoded(file: str, content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UserError(f"{file}: is UTF-16 text; save it as UTF-8")
    if b"\0" in content:
        raise UserError(f"{file}: is a binary file, and text in UTF-8 is needed")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(
            f"{file}: is not UTF-8 text (byte {content[error.start]:#04x} in place {error.start:,}); save it as UTF-8"
        ) from None
    if not text.strip():
        raise UserError(f"{file}: holds no text")
    return text
