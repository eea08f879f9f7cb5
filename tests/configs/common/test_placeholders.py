"""Placeholder files that a failed download leaves are distinguished from files with content."""

from __future__ import annotations

from pathlib import Path

import pytest

from configs.common.placeholders import placeholder


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "is a Git LFS pointer"),
        (b"\xef\xbb\xbf \n<!DOCTYPE HTML>", "is a web page"),
        (b"<html lang=en>", "is a web page"),
        (b"", "is empty"),
    ],
)
def test_placeholders_are_named(content: bytes, expected: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(content)
    assert (placeholder(tmp_path / "file") or "").startswith(expected)


@pytest.mark.parametrize("content", [b"{}", b"\x80\x02", b"<htmlish>", b"a version https://git-lfs"])
def test_content_is_none(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(content)
    assert placeholder(tmp_path / "file") is None
