"""Which files of a folder hold data, and how the others are counted."""

from __future__ import annotations

import os
from pathlib import Path

import fsspec
import pytest

from configs.common.errors import UserError
from tests.data_prep.sources.reading import left_out, texts


def write(folder: Path, *names: str) -> None:
    """Each file holds its own name as its text."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)


def test_hidden_files_and_leftovers_are_counted(tmp_path: Path) -> None:
    write(tmp_path, "a.txt", "._a.txt", ".ipynb_checkpoints/a.txt", "__MACOSX/deep/a.txt", ".git/b.txt", ".git/c.txt")
    write(tmp_path, "a.txt~", "b.txt.part", "README.md", "book.pdf", "data.zip", "notes.log")
    (tmp_path / "empty.txt").touch()
    assert texts(tmp_path) == ["a.txt"]
    assert left_out(tmp_path) == {
        "hidden files and folders": 4,
        "temporary files": 2,
        "files of documentation": 1,
        "PDF documents, which must be converted to text": 1,
        "archives, which must be unpacked": 1,
        "files with another ending (a stated format reads any)": 1,
        "empty files": 1,
    }


def test_a_hidden_folder_that_is_named_is_read(tmp_path: Path) -> None:
    write(tmp_path, ".cache/a.txt", ".b.txt")
    assert texts(tmp_path / ".cache") == [".cache/a.txt"]
    assert texts(tmp_path / ".b.txt") == [".b.txt"]


def test_a_stated_format_reads_files_of_any_name(tmp_path: Path) -> None:
    write(tmp_path, "a.txt", "b.log", "c", "table.csv", "README.md", ".hidden")
    assert texts(tmp_path, format="lines") == ["a.txt", "b.log", "c"]
    assert left_out(tmp_path, format="lines") == {
        "hidden files and folders": 1,
        "files of documentation": 1,
        "files of another format than lines": 1,
    }


def test_endings_in_any_case(tmp_path: Path) -> None:
    write(tmp_path, "A.TXT", "b.Text")
    (tmp_path / "C.JSONL").write_text('{"text": "c"}')
    assert texts(tmp_path) == ["A.TXT", "c", "b.Text"]


def test_patterns(tmp_path: Path) -> None:
    write(tmp_path, "a.txt", "b.txt", "b.log", ".c.txt", "deep/d.txt", "deep/deeper/e.txt")
    assert texts(f"{tmp_path}/*.txt") == ["a.txt", "b.txt"]
    assert texts(f"{tmp_path}/b.*") == ["b.log", "b.txt"]
    assert texts(f"{tmp_path}/**/*.txt") == ["a.txt", "b.txt", "deep/d.txt", "deep/deeper/e.txt"]
    assert texts(f"{tmp_path}/d*") == ["deep/d.txt", "deep/deeper/e.txt"]
    with pytest.raises(UserError, match=r"\*\.json has no file"):
        texts(f"{tmp_path}/*.json")


def test_a_pattern_leaves_out_what_a_folder_leaves_out(tmp_path: Path) -> None:
    write(tmp_path, "a.txt", "a.txt~", "b.txt.part", "a.txt.md5", "notes.py")
    assert texts(f"{tmp_path}/*") == ["a.txt", "notes.py"]
    assert left_out(f"{tmp_path}/*") == {"temporary files": 2, "metadata files": 1}
    assert texts(tmp_path / "a.txt~") == ["a.txt~"]  # a file that is named is read


def test_a_corpus_below_a_folder_is_not_its_text(tmp_path: Path) -> None:
    write(tmp_path, "a.txt", "complete/manifest.json", "complete/tokenizer.json", "complete/vocab.txt")
    write(tmp_path, "unfinished/.prepare/plan.json", "unfinished/vocab.txt", "other/manifest.json.txt")
    assert texts(tmp_path, format="text") == ["a.txt", "other/manifest.json.txt"]
    assert left_out(tmp_path, format="text") == {"corpora that electra prepare makes": 2}


def test_a_file_whose_name_is_a_pattern_is_that_file(tmp_path: Path) -> None:
    write(tmp_path, "a[1].txt", "a1.txt")
    assert texts(f"{tmp_path}/a[1].txt") == ["a[1].txt"]


def test_metadata_files_are_never_data(tmp_path: Path) -> None:
    (tmp_path / "dataset_infos.json").write_text("{}")
    (tmp_path / "metadata.json").write_text("{}")
    (tmp_path / "a.csv").write_text("text\ntable\n")
    assert texts(tmp_path) == ["table"]
    assert left_out(tmp_path) == {"metadata files": 2}


def test_tables_of_a_folder_are_taken_where_there_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "LICENCES.tsv").write_text("file\tlicence\na.txt\tCC0\n")
    (tmp_path / "a.txt").write_text("text")
    assert texts(tmp_path) == ["text"]
    assert left_out(tmp_path) == {"tables beside texts (a stated format reads them)": 1}
    (tmp_path / "a.txt").unlink()
    assert texts(tmp_path, field="licence") == ["CC0"]


def test_one_split_of_files_that_are_named_as_the_hub_names_them(tmp_path: Path) -> None:
    for split in ("train", "test"):
        for number in range(2):
            (tmp_path / f"{split}-{number:05d}-of-00002.jsonl").write_text(f'{{"text": "{split} {number}"}}')
    assert texts(tmp_path) == ["train 0", "train 1"]
    assert texts(tmp_path, split="test") == ["test 0", "test 1"]
    assert left_out(tmp_path) == {"files of other splits than train (set split of the source)": 2}
    assert texts(f"{tmp_path}/*.jsonl") == ["train 0", "train 1"]
    assert texts(f"{tmp_path}/*.jsonl", split="test") == ["test 0", "test 1"]
    assert texts(f"{tmp_path}/test-*") == ["test 0", "test 1"]  # the default split says nothing here
    for path in (tmp_path, f"{tmp_path}/*.jsonl"):
        with pytest.raises(UserError, match=r"has no files of the split 'tran' \(it has test, train\)"):
            texts(path, split="tran")


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("none", None, "does not exist; name a file, a folder or a pattern"),
        ("empty.txt", b"", "is empty; it must hold text"),
        (
            "folder",
            {},
            "has no file that ends in .txt, .text, .jsonl, .json, .ndjson, .csv, .tsv, .parquet (or in these and .bz2, "
            ".gz, .xz, .zst); left out: PDF documents, which must be converted to text: 1",
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
        texts(path)
    assert sentence in str(error.value)


def test_links_to_folders_are_followed_and_no_folder_is_read_twice(tmp_path: Path) -> None:
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "folder"
    write(elsewhere, "deep/far.txt")
    write(folder, "plain/near.txt")
    (folder / "link").symlink_to(elsewhere)
    (folder / "plain" / "round").symlink_to(folder)
    (folder / "twin").symlink_to(elsewhere)
    assert texts(folder) == ["deep/far.txt", "plain/near.txt"]


def test_broken_links_and_pipes_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, "a.txt")
    (tmp_path / "b.txt").symlink_to(tmp_path / "gone")
    os.mkfifo(tmp_path / "c.txt")
    assert texts(tmp_path) == ["a.txt"]
    assert left_out(tmp_path) == {"special files": 1, "broken links": 1}


def test_any_fsspec_url() -> None:
    with fsspec.open("memory://texts/a.txt.gz", "wb", compression="gzip") as file:
        file.write(b"over there\n\nand there")  # type: ignore[union-attr]  one file
    with fsspec.open("memory://texts/.b.txt", "wb") as file:
        file.write(b"hidden")  # type: ignore[union-attr]  likewise
    assert texts("memory://texts") == texts("memory://texts/*.gz") == ["over there", "and there"]
    assert left_out("memory://texts") == {"hidden files and folders": 1}
