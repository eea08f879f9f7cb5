"""Files at any fsspec URL as plain bytes: .gz, .xz and .zst are opened by name, others as fsspec knows them."""

from __future__ import annotations

import gzip
import io
import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, cast

import fsspec
import zstandard

# What a damaged or truncated file raises while it is read.
Damage = (EOFError, zlib.error, gzip.BadGzipFile, lzma.LZMAError, zstandard.ZstdError)
_CHUNK = 2**20


@contextmanager
def open_bytes(path: str) -> Iterator[IO[bytes]]:
    """Raises one of `Damage` when what is compressed does not end well."""
    compression = None if path.endswith(".zst") else "infer"
    with fsspec.open(path, "rb", compression=compression) as opened:
        file = cast(IO[bytes], opened)
        yield io.BufferedReader(_Zstandard(file), _CHUNK) if path.endswith(".zst") else file


class _Zstandard(io.RawIOBase):
    """The frames of a .zst one after the other; zstandard's own reader takes a cut one for the end."""

    def __init__(self, file: IO[bytes]):
        self._file = file
        self._frame: zstandard.ZstdDecompressionObj | None = None
        self._compressed = self._plain = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  any buffer, of which BufferedReader gives this
        while not self._plain:
            self._compressed = self._compressed or self._file.read(_CHUNK)
            if not self._compressed and self._frame:
                raise EOFError("the last frame is cut")
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
