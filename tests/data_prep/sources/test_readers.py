"""Documents are the same however a file is cut."""

from __future__ import annotations

import gzip
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.common.errors import Unfinished, UserError
from configs.corpus_tables import SourceTable
from data_prep.sources import compression, readers
from data_prep.sources.ranges import Range
from data_prep.sources.readers import documents
from data_prep.sources.tasks import cut_into_tasks


def whole(path: Path, format: str = "text", start: int = 0, end: int | None = None, **source: Any) -> Range:
    """A file, or bytes [start, end) of it."""
    return Range(0, SourceTable(path=str(path), **source), str(path), format, start, end, path.stat().st_size)


def read(path: Path, borders: list[int], format: str = "text") -> list[str]:
    size = path.stat().st_size
    edges = [0, *sorted(border for border in borders if 0 < border < size), size]
    ranges = [whole(path, format, start, end) for start, end in pairwise(edges)]
    return [document.text.strip() for piece in ranges for document in documents(piece)]


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scratch")


@given(
    st.lists(st.sampled_from(["", " ", "one", "two words", "中文", "\r"]), max_size=30),
    st.lists(st.integers(1, 120), max_size=6),
    st.booleans(),
)
def test_byte_ranges_give_the_documents_of_the_whole_file(
    scratch: Path, lines: list[str], cuts: list[int], end: bool
) -> None:
    path = scratch / "text.txt"
    path.write_bytes(("\n".join(lines) + "\n" * end).encode())
    assert read(path, cuts) == read(path, [])


@given(st.lists(st.integers(0, 9), min_size=1, max_size=20), st.lists(st.integers(1, 400), max_size=6))
def test_byte_ranges_of_jsonl(scratch: Path, numbers: list[int], cuts: list[int]) -> None:
    path = scratch / "lines.jsonl"
    path.write_text("".join(json.dumps({"text": f"document {number}"}) + "\n" for number in numbers))
    assert read(path, cuts, "jsonl") == [f"document {number}" for number in numbers]


def test_blank_lines_end_documents(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("\n\nfirst\nstill first\n  \n\nsecond\n")
    assert read(path, []) == ["first\nstill first", "second"]


def test_gz_reads_like_plain_text(tmp_path: Path) -> None:
    text = "first\n\nsecond\n"
    (tmp_path / "a.txt").write_text(text)
    with gzip.open(tmp_path / "b.txt.gz", "wt") as file:
        file.write(text)
    tasks = cut_into_tasks((SourceTable(path=str(tmp_path)),))
    assert [d.text.strip() for task in tasks for piece in task for d in documents(piece)] == ["first", "second"] * 2


def test_the_tasks_depend_on_the_input_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data_prep.sources.tasks._SMALLEST", 1000)
    (tmp_path / "big.txt").write_text("word " * 2000)
    for number in range(30):
        (tmp_path / f"small-{number:02d}.txt").write_text("word " * 10)
    tasks = cut_into_tasks((SourceTable(path=str(tmp_path)),))
    assert tasks == cut_into_tasks((SourceTable(path=str(tmp_path)),))
    big = [piece for task in tasks for piece in task if piece.path.endswith("big.txt")]
    assert [(piece.start, piece.end) for piece in big] == [(1000 * n, 1000 * (n + 1)) for n in range(10)]
    assert max(len(task) for task in tasks) == 20
    assert sum(piece.size for task in tasks for piece in task) == 10_000 + 30 * 50


def test_invalid_utf8_is_replaced_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("good \ufffd ".encode() + b"\xff\xfe bad \xe4\xb8\n")
    (document,) = documents(whole(path))
    assert document.invalid_sequences == 3
    assert "good \ufffd" in document.text


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("none", None, "does not exist; name a file or a folder"),
        ("empty.txt", b"", "is empty; it must hold text"),
        (
            "folder",
            {},
            "has no file that ends in .txt, .text, .jsonl, .json, .ndjson, .csv, .tsv, .parquet (or in these and .gz",
        ),
    ],
)
def test_a_source_without_text_is_refused(tmp_path: Path, name: str, content: object, sentence: str) -> None:
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        path.mkdir()
        (path / "notes.pdf").write_bytes(b"%PDF")
    with pytest.raises(UserError, match=r"data\.sources\.0\.path") as error:
        cut_into_tasks((SourceTable(path=str(path)),))
    assert sentence in str(error.value)


def test_no_source_is_refused() -> None:
    with pytest.raises(UserError, match=r"data\.sources: empty; name your text"):
        cut_into_tasks(())


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (b'{"text": "a"', "is not JSON"),
        (b'{"body": "a"}', "has no text under 'text' (it has body)"),
        (b"[1]", "has no text under 'text' (it has a list)"),
        (b'{"text": 3}', "has no text under 'text'"),
    ],
)
def test_a_bad_line_is_named_with_its_place(tmp_path: Path, line: bytes, sentence: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": "good"}\n' + line + b"\n")
    with pytest.raises(UserError, match="the line at byte 17") as error:
        read(path, [], "jsonl")
    assert sentence in str(error.value)


@given(st.integers(10, 60), st.booleans())
def test_a_damaged_gz_is_named(scratch: Path, place: int, cut: bool) -> None:
    path = scratch / "a.txt.gz"
    content = bytearray(gzip.compress(bytes(range(32, 127)) * 100, mtime=0))
    content[place] ^= 0xFF
    path.write_bytes(content[:place] if cut else content)
    with pytest.raises(UserError, match=r"a\.txt\.gz: is damaged"):
        list(documents(whole(path)))


def test_half_a_surrogate_pair_is_replaced_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(r'{"text": "bad \ud83d half, good \ud83d\ude00"}')
    (document,) = documents(whole(path, "jsonl"))
    assert document.text == "bad \ufffd half, good \U0001f600"
    assert document.invalid_sequences == 1


def test_a_folder_may_hold_both_formats(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("from text")
    (tmp_path / "b.jsonl").write_text('{"text": "from jsonl"}')
    tasks = cut_into_tasks((SourceTable(path=str(tmp_path)),))
    assert [d.text for task in tasks for piece in task for d in documents(piece)] == ["from text", "from jsonl"]


def test_a_range_that_owns_nothing_ends_at_its_end(tmp_path: Path) -> None:
    """Else a file without blank lines would be read once by every range."""
    path = tmp_path / "a.txt"
    path.write_text("line\n" * 100_000)
    with path.open("rb") as file:
        piece = whole(path, "text", 1000, 2000)
        assert list(readers._text_documents(file, piece)) == []
        assert file.tell() < 20_000


def test_an_error_of_the_storage_is_not_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*arguments: object, **options: object) -> None:
        raise OSError(5, "Input/output error")

    (tmp_path / "a.txt").write_text("text")
    monkeypatch.setattr(compression.fsspec, "open", fails)
    with pytest.raises(Unfinished, match=r"cannot be read now .* the same command goes on"):
        list(documents(whole(tmp_path / "a.txt")))


def test_links_to_folders_are_followed_and_no_folder_is_read_twice(tmp_path: Path) -> None:
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "folder"
    for path in (elsewhere / "deep", folder / "plain"):
        path.mkdir(parents=True)
    (elsewhere / "deep" / "far.txt").write_text("far")
    (folder / "plain" / "near.txt").write_text("near")
    (folder / "link").symlink_to(elsewhere)
    (folder / "plain" / "round").symlink_to(folder)
    (folder / "twin").symlink_to(elsewhere)
    (tasks,) = cut_into_tasks((SourceTable(path=str(folder)),))
    assert [piece.path for piece in tasks] == [f"{folder}/link/deep/far.txt", f"{folder}/plain/near.txt"]
