"""The input is cut into tasks by its bytes alone, and refused before the work begins where it cannot be read."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from configs.common.errors import UserError
from configs.corpus_tables import SourceTable
from data_prep.sources.tasks import cut_into_tasks
from tests.data_prep.sources.reading import left_out, texts


def test_the_tasks_depend_on_the_input_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data_prep.sources.tasks._SMALLEST", 1000)
    (tmp_path / "big.txt").write_text("word " * 2000)
    for number in range(30):
        (tmp_path / f"small-{number:02d}.txt").write_text("word " * 10)
    sources = (SourceTable(path=str(tmp_path)),)
    tasks = cut_into_tasks(sources)
    assert tasks == cut_into_tasks(sources)
    big = [piece for task in tasks for piece in task if piece.path.endswith("big.txt")]
    assert [(piece.start, piece.end) for piece in big] == [(1000 * n, 1000 * (n + 1)) for n in range(10)]
    assert max(len(task) for task in tasks) == 20
    assert sum(piece.size for task in tasks for piece in task) == 10_000 + 30 * 50


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt.gz", gzip.compress(b"word\n\n" * 2000, compresslevel=0)),
        ("a.txt", ("word\n\n" * 2000).encode("utf-16")),
        ("a.json", json.dumps([{"text": "word"}] * 500).encode()),
        ("a.csv", b"text\n" + b"word\n" * 2000),
    ],
)
def test_what_has_no_lines_of_bytes_is_not_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: bytes
) -> None:
    monkeypatch.setattr("data_prep.sources.tasks._SMALLEST", 1000)
    (tmp_path / name).write_bytes(content)
    tasks = cut_into_tasks((SourceTable(path=str(tmp_path)),))
    assert [(piece.start, piece.end) for task in tasks for piece in task] == [(0, None)]
    assert set(texts(tmp_path)) == {"word"}


def test_no_source_is_refused() -> None:
    with pytest.raises(UserError, match=r"data\.sources: empty; name your text"):
        cut_into_tasks(())


def test_bad_files_are_refused_at_once_or_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("good")
    (tmp_path / "b.txt").write_bytes("患者早上服药，晚上感觉好转。".encode("gb18030") * 20)
    with pytest.raises(UserError, match=r"b\.txt: is not utf-8 text .*it looks like gb18030"):
        cut_into_tasks((SourceTable(path=str(tmp_path)),))
    assert texts(tmp_path, on_error="skip") == ["good"]
    assert left_out(tmp_path, on_error="skip") == {"files that are not in their encoding": 1}
    (tmp_path / "a.txt").unlink()
    with pytest.raises(
        UserError, match=r"no file of .* can be read; left out: files that are not in their encoding: 1"
    ):
        cut_into_tasks((SourceTable(path=str(tmp_path), on_error="skip"),))


def test_files_that_are_not_inspected_before_the_work_are_checked_when_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data_prep.sources.tasks._INSPECTED", 1)
    (tmp_path / "a.txt").write_text("good")
    (tmp_path / "b.txt").write_bytes(b"%PDF-1.4 \x00\x01")
    (task,) = cut_into_tasks((SourceTable(path=str(tmp_path)),))
    assert len(task) == 2
    with pytest.raises(UserError, match=r"b\.txt: is a PDF document"):
        texts(tmp_path)
    assert left_out(tmp_path, on_error="skip") == {"files that are a PDF document": 1}
