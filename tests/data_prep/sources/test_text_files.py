"""Lines of bytes, whatever the mark and the line ends."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from data_prep.sources.text_files import open_text, read_fully


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines(tmp_path: Path, encoding: str, end: str) -> None:
    (tmp_path / "a.txt").write_bytes(end.join(["one", "zwei 二", ""]).encode(encoding))
    with open_text(str(tmp_path / "a.txt"), "utf-8") as file:
        assert [file.decode(line)[0].strip() for _, line in file.lines()] == ["one", "zwei 二"]


@pytest.mark.parametrize("content", [b"\xef\xbb\xbfab\ncd\nef\n", b"ab\rcd\ref\r"])
def test_lines_from_the_middle_have_their_offsets(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.txt").write_bytes(content)
    with open_text(str(tmp_path / "a.txt"), "utf-8") as file:
        every = list(file.lines())
    for start in range(len(content)):
        with open_text(str(tmp_path / "a.txt"), "utf-8") as file:
            assert list(file.lines(start)) == [line for line in every if line[0] >= start]


def test_a_short_read_is_not_the_end() -> None:
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(size or 1, 3))

    assert read_fully(Slow(b"0123456789"), 8) == b"01234567"
