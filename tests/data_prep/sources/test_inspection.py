"""What contradicts a file's name is seen before the work begins."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from configs.common.errors import UserError
from tests.data_prep.sources.reading import texts

LINES = "".join(json.dumps({"text": f"{number}"}) + "\n" for number in range(3))


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.txt", LINES.encode(), "holds JSON lines, but its name ends like that of a text file"),
        ("a.jsonl", b"<!DOCTYPE html><html>", "is a web page in place of the file"),
        ("a.txt.gz", b"plain text", "does not begin as a .gz file does"),
        ("a.txt", b"\x1f\x8b\x08\x00 compressed", "is compressed as a .gz file; give its name the ending .gz"),
        ("a.txt", b"PAR1 and so on", "is a parquet file"),
    ],
)
def test_contradictions(tmp_path: Path, name: str, content: bytes, sentence: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError) as error:
        texts(tmp_path)
    assert f"{name}: {sentence}" in str(error.value)


def test_json_lines_without_an_ending_are_recognised(tmp_path: Path) -> None:
    (tmp_path / "dump").write_text(LINES)
    assert texts(tmp_path / "dump") == ["0", "1", "2"]


def test_the_middle_of_a_large_file_is_looked_at(tmp_path: Path) -> None:
    chinese = ("患者早上服药，晚上感觉好转。\n" * 20_000).encode("gb18030")
    (tmp_path / "a.txt").write_bytes(b"an English line\n" * 5_000 + chinese)
    with pytest.raises(UserError, match=r"a\.txt: is not utf-8 text"):
        texts(tmp_path)
