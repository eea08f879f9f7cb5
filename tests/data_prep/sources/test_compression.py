"""Compressed files are opened by their endings, and read to their end or to their damage."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from configs.common.errors import UserError
from data_prep.sources.compression import compression_of, open_bytes
from tests.data_prep.sources.reading import texts


def test_the_ending_in_any_case() -> None:
    assert [compression_of(name) for name in ("a.txt.GZ", "dir.gz/a.txt", "a.bz2", "a")] == [".gz", "", ".bz2", ""]


def test_all_frames_of_a_zst_are_read_and_again_after_a_seek(tmp_path: Path) -> None:
    """Parallel compressors write several frames; a reader of one frame would lose the others."""
    content = b"some text " * 100
    frames = b"".join(zstandard.compress(content[start : start + 7]) for start in range(0, len(content), 7))
    (tmp_path / "a.zst").write_bytes(frames)
    with open_bytes(str(tmp_path / "a.zst")) as file:
        assert file.read(20) == content[:20]
        file.seek(0)
        assert file.read() == content


@given(st.integers(10, 60), st.booleans())
def test_a_damaged_gz_is_named(tmp_path_factory: pytest.TempPathFactory, place: int, is_cut: bool) -> None:
    path = tmp_path_factory.mktemp("damaged") / "a.txt.gz"
    content = bytearray(gzip.compress(bytes(range(32, 127)) * 100, mtime=0))
    content[place] ^= 0xFF
    path.write_bytes(content[:place] if is_cut else content)
    with pytest.raises(UserError, match=r"a\.txt\.gz: is damaged or cut short"):
        texts(path)
