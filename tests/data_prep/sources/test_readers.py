"""Documents of a range: how often each is taken, and what becomes of records and files that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from configs.common.errors import Unfinished, UserError
from configs.load import load
from data_prep.sources import compression
from data_prep.sources.readers import ReadRanges, documents, lines, weighted
from data_prep.sources.tasks import cut_into_tasks
from tests.data_prep.sources.reading import file_range, left_out, read

DATA = load("tiny").data


def test_the_documents_of_a_task_are_those_of_its_ranges(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one")
    (tmp_path / "b.txt").write_text("two\n\nthree")
    ranges = [file_range(tmp_path / name) for name in ("a.txt", "b.txt")]
    step = ReadRanges([[], ranges], DATA, seed=1)
    assert [document.text.strip() for document in step.run(rank=1)] == ["one", "two", "three"]


def test_weights_are_how_often_a_document_is_taken(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("\n\n".join(f"document {number}" for number in range(2000)))
    for weight, copies in ((0.25, 500), (1.0, 2000), (2.5, 5000)):
        piece = file_range(tmp_path / "a.txt", weight=weight)
        drawn = [document.text for document in weighted(piece, DATA, 1)]
        # five standard deviations of a binomial with 2,000 draws are below 112
        assert abs(len(drawn) - copies) < (1 if weight == 1 else 112)
        assert drawn == [document.text for document in weighted(piece, DATA, 1)]
        assert len({drawn.count(text) for text in drawn[:50]}) <= 2


def test_copies_of_a_document_are_numbered(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a word in a line\n" * 200)
    piece = file_range(tmp_path / "a.txt", weight=2.0)
    assert [document.copy for document in weighted(piece, DATA, 1)] == [0, 1]


def test_what_is_left_out_is_counted_once_for_any_weight(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": null}\n')
    piece = file_range(tmp_path / "a.jsonl", "jsonl", weight=3.0, on_error="skip")
    assert [document.left_out is not None for document in weighted(piece, DATA, 1)] == [True]


def test_bad_records_are_left_out_and_counted(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "good"}\n{"body": 1}\nnothing\n{"text": ""}\n{"text": "also good"}\n')
    read_documents = read(tmp_path, on_error="skip")
    assert [document.text for document in read_documents] == ["good", "", "", "", "also good"]
    assert left_out(tmp_path, on_error="skip") == {
        "records without the field": 1,
        "lines that are not JSON": 1,
        "empty records": 1,
    }


@pytest.mark.parametrize(
    ("error", "raised", "sentence"),
    [
        (OSError(5, "Input/output error"), Unfinished, "cannot be read now .* the same command tries again"),
        (ConnectionResetError(), Unfinished, "cannot be read now"),
        (TimeoutError(), Unfinished, "cannot be read now"),
        (PermissionError(13, "Permission denied"), UserError, r"a\.txt: cannot be read \(Permission denied\)"),
        (FileNotFoundError(2, "No such file"), UserError, r"a\.txt: cannot be read \(No such file\)"),
    ],
)
def test_only_what_passes_by_itself_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, raised: type[Exception], sentence: str
) -> None:
    def fails(*arguments: object, **options: object) -> None:
        raise error

    (tmp_path / "a.txt").write_text("text")
    (piece,) = cut_into_tasks((file_range(tmp_path / "a.txt").source,))[0]
    monkeypatch.setattr(compression.fsspec, "open", fails)
    with pytest.raises(raised, match=sentence):
        list(documents(piece))


def test_long_lines_come_in_pieces_that_end_at_spaces() -> None:
    pieces = list(lines("word " * 30_000 + "\nshort"))
    assert "".join(pieces[:-1]) == "word " * 30_000 and pieces[-1] == "short"
    assert max(map(len, pieces)) <= 2**16
    assert all(piece.strip().split(" ") == ["word"] * len(piece.split()) for piece in pieces[:-1])
