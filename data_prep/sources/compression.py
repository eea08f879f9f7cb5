"""Files at any fsspec URL as plain bytes: those with the ending .bz2, .gz, .xz or .zst are decompressed."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import IO, cast

import fsspec
import zstandard

_CHUNK = 2**20


@contextmanager
def open_bytes(path: str) -> Iterator[IO[bytes]]:
    """A file to read, which can seek back to its beginning; one that is not compressed can seek anywhere.

    Reading raises an error that `faults.is_damage` knows where the compressed content is damaged or cut short.
    """
    with fsspec.open(path, "rb") as opened:
        file = cast(IO[bytes], opened)
        yield _DECOMPRESSORS[compression_of(path)](file) if compression_of(path) else file


def compression_of(path: str) -> str:
    """The ending that names the compression of a file, in lower case; "" for a file that is not compressed."""
    ending = PurePosixPath(path).suffix.lower()
    return ending if ending in _DECOMPRESSORS else ""


class _Zstandard(io.RawIOBase):
    """The frames of a .zst in a row. zstandard's own reader takes a frame that is cut short for the end."""

    def __init__(self, file: IO[bytes]):
        self._file = file
        self._frame: zstandard.ZstdDecompressionObj | None = None
        self._compressed = self._plain = b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        if offset or whence:
            raise io.UnsupportedOperation("seek within a .zst")
        self._file.seek(0)
        self._frame, self._compressed, self._plain = None, b"", b""
        return 0

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  BufferedReader always passes a memoryview
        while not self._plain:
            self._compressed = self._compressed or self._file.read(_CHUNK)
            if not self._compressed and self._frame:
                raise EOFError("the last frame is cut short")
            if not self._compressed:
                return 0
            self._frame = self._frame or zstandard.ZstdDecompressor(max_window_size=2**31).decompressobj()
            self._plain = self._frame.decompress(self._compressed)
            self._compressed = self._frame.unused_data if self._frame.eof else b""
            self._frame = None if self._frame.eof else self._frame
        count = min(len(buffer), len(self._plain))
        buffer[:count] = self._plain[:count]
        self._plain = self._plain[count:]
        return count


_DECOMPRESSORS: dict[str, Callable[[IO[bytes]], IO[bytes]]] = {
    ".bz2": lambda file: cast(IO[bytes], bz2.BZ2File(file)),
    ".gz": lambda file: cast(IO[bytes], gzip.GzipFile(fileobj=file)),
    ".xz": lambda file: cast(IO[bytes], lzma.LZMAFile(file)),  # noqa: SIM115  `open_bytes` closes the file below it
    ".zst": lambda file: io.BufferedReader(_Zstandard(file), _CHUNK),
}
COMPRESSIONS = tuple(_DECOMPRESSORS)
