"""Files of text as lines of bytes, whatever their compression, byte order mark and line ends."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from data_prep.sources.compression import open_bytes
from data_prep.sources.encodings import Encoding, decode, encoding_of
from data_prep.sources.kinds import HEAD_BYTES

_CHUNK = 2**16


@dataclass(frozen=True)
class TextFile:
    """An open file of text. Its lines end with the byte 0A; its byte order mark is passed over."""

    file: IO[bytes]
    encoding: str
    # where the text begins
    start: int
    # UTF-16 and UTF-32 were decoded by `file`, which gives UTF-8
    is_transcoded: bool = False

    def decode(self, raw: bytes) -> tuple[str, int]:
        """(text, how many sequences were no text)."""
        text, num_invalid = decode(raw, self.encoding)
        return text, num_invalid + (text.count("\ufffd") if self.is_transcoded else 0)

    def lines(self, start: int = 0) -> Iterator[tuple[int, bytes]]:
        """(offset, line) from the first line that begins at or after byte `start`."""
        offset = max(start, self.start)
        if offset > self.start:
            self.file.seek(offset - 1)
            offset += len(self.file.readline()) - 1
        for line in self.file:
            yield offset, line
            offset += len(line)

    def characters(self) -> io.TextIOWrapper:
        """The text from its beginning, with U+FFFD for sequences that are none, and line ends as they are."""
        return io.TextIOWrapper(self.file, self.encoding, errors="replace", newline="")


@contextmanager
def open_text(path: str, stated_encoding: str) -> Iterator[TextFile]:
    with open_bytes(path) as opened:
        head = read_fully(opened, HEAD_BYTES)
        encoding = encoding_of(head, stated_encoding)
        opened.seek(0)
        if encoding.is_wide:
            yield _transcoded(opened, encoding, head)
            return
        file: IO[bytes] = io.BufferedReader(_NewLines(opened), _CHUNK) if ends_lines_with_cr(head) else opened
        file.read(encoding.mark_bytes)
        yield TextFile(file, encoding.name, encoding.mark_bytes)


def read_fully(file: IO[bytes], num_bytes: int) -> bytes:
    """The next bytes: fewer than asked for only at the end of the file."""
    content = b""
    while len(content) < num_bytes and (chunk := file.read(num_bytes - len(content))):
        content += chunk
    return content


def ends_lines_with_cr(head: bytes) -> bool:
    """Whether lines end as on an old Macintosh: with CR alone."""
    return b"\r" in head and b"\n" not in head


def _transcoded(file: IO[bytes], encoding: Encoding, head: bytes) -> TextFile:
    file.read(encoding.mark_bytes)
    text = head[encoding.mark_bytes :].decode(encoding.name, "replace")
    utf8: io.RawIOBase = _Utf8(file, encoding.name)
    utf8 = _NewLines(utf8) if "\r" in text and "\n" not in text else utf8
    return TextFile(io.BufferedReader(utf8, _CHUNK), "utf-8", 0, is_transcoded=True)


class _NewLines(io.RawIOBase):
    """A file with 0A in place of every 0D. Offsets stay the same."""

    def __init__(self, file: IO[bytes] | io.RawIOBase):
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._file.seekable()

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  BufferedReader always passes a memoryview
        chunk = (self._file.read(len(buffer)) or b"").replace(b"\r", b"\n")
        buffer[: len(chunk)] = chunk
        return len(chunk)


class _Utf8(io.RawIOBase):
    """A file of another encoding as UTF-8."""

    def __init__(self, file: IO[bytes], encoding: str):
        self._file, self._decoder = file, codecs.getincrementaldecoder(encoding)("replace")
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  BufferedReader always passes a memoryview
        while not self._ready:
            chunk = self._file.read(_CHUNK)
            self._ready = self._decoder.decode(chunk, final=not chunk).encode("utf-8", "replace")
            if not chunk and not self._ready:
                return 0
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count
