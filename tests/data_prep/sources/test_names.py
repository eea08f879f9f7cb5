"""What a name says about a file."""

from __future__ import annotations

import pytest

from data_prep.sources.names import TABLES, TEXTS, format_of, is_hidden, is_tab_separated, why_no_data


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("a.TXT", "text"),
        ("a.jsonl.BZ2", "jsonl"),
        ("AA/wiki_00", "wikiextractor"),
        ("a.tsv.gz", "csv"),
        ("a.txt.zip", None),
        ("txt", None),
    ],
)
def test_formats(name: str, format: str | None) -> None:
    assert format_of(name, (*TEXTS, *TABLES)) == format


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("deep/a.txt", ""),
        ("README.txt", ""),
        ("README.md", "files of documentation"),
        (".git/a.txt", "hidden files and folders"),
        ("state.json", "metadata files"),
        ("a.tar.gz", "archives, which must be unpacked"),
        ("a.txt.part", "temporary files"),
    ],
)
def test_why_a_file_is_no_data(path: str, reason: str) -> None:
    assert why_no_data(tuple(path.split("/")), TEXTS) == reason


def test_folders_and_tables() -> None:
    assert [is_hidden(name) for name in (".ipynb_checkpoints", "__MACOSX", "texts")] == [True, True, False]
    assert is_tab_separated("A.TSV.gz") and not is_tab_separated("a.tsv/b.csv")
