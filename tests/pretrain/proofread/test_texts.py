"""Texts are read as their files have them, and other files are refused in a sentence."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from configs.common.errors import UserError
from pretrain.proofread.texts import Text, read_texts


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"one\r\ntwo\r", "one\r\ntwo\r"),
        (b"\xef\xbb\xbfone", "one"),
        ("今天 😀".encode(), "今天 😀"),
    ],
)
def test_a_text_keeps_its_characters(tmp_path: Path, content: bytes, text: str) -> None:
    (tmp_path / "a").write_bytes(content)
    assert read_texts([str(tmp_path / "a")]) == [Text(str(tmp_path / "a"), text)]


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"a text")))
    assert read_texts(["-"]) == [Text("-", "a text")]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b" \n\t", "holds no text"),
        (b"a\0b", "is a binary file"),
        ("ä".encode("latin-1") + b" text", "is not UTF-8 text .byte 0xe4 in place 0.; save it as UTF-8"),
        ("text".encode("utf-16"), "is UTF-16 text; save it as UTF-8"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is a Git LFS pointer"),
    ],
)
def test_other_content_is_refused(tmp_path: Path, content: bytes, sentence: str) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(UserError, match=f"a: {sentence}"):
        read_texts([str(tmp_path / "a")])


def test_folders_and_missing_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is a folder; name its files"):
        read_texts([str(tmp_path)])
    with pytest.raises(UserError, match="no such file"):
        read_texts([str(tmp_path / "missing")])
