"""How much text a range holds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.data_prep.sources.reading import file_range


def test_a_compressed_text_is_longer_than_its_file(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(bytes(100))
    piece = file_range(tmp_path / "a.txt")
    assert piece.text_bytes == 100
    assert replace(piece, path="a.txt.XZ").text_bytes == 300
