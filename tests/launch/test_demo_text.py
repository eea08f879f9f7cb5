"""The demo's text is real text, split into documents, with one file per package."""

from __future__ import annotations

from pathlib import Path

import pytest

from launch import demo_text


def test_files_of_documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_text, "_LARGEST_BYTES", 900_000)
    size = demo_text.collect(tmp_path / "text")
    files = {path.stem: path.read_text() for path in (tmp_path / "text").iterdir()}
    assert size == sum(len(text.encode()) for text in files.values()) > 900_000
    assert 'The "assert" statement' in files["python-topics"]
    documents = [document for text in files.values() for document in text.split("\n\n")]
    assert len(documents) == len(set(documents)) > 300
    assert all(len(document) >= 200 for document in documents)
