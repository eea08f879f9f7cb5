"""Plain text is cut into documents, which are the same however the file is cut into ranges."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.common.errors import UserError
from data_prep.sources import text
from data_prep.sources.text_files import open_text
from tests.data_prep.sources.reading import file_range, left_out, read_in_ranges, texts

WIKI = """\
<doc id="1" url="u" title="One">
One

1 &lt; 2 &amp; 3

</doc>
<doc id="2" url="u" title="Two">
Two
</doc>
"""


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scratch")


@given(
    st.lists(st.sampled_from(["", " ", "one", "two words", "中文", "\r"]), max_size=30),
    st.lists(st.integers(1, 120), max_size=6),
    st.booleans(),
    st.sampled_from(["text", "lines"]),
)
def test_byte_ranges_give_the_documents_of_the_complete_file(
    scratch: Path, lines: list[str], cuts: list[int], ends: bool, format: str
) -> None:
    path = scratch / "text.txt"
    path.write_bytes(("\n".join(lines) + "\n" * ends).encode())
    assert read_in_ranges(path, cuts, format) == read_in_ranges(path, [], format)


@given(st.lists(st.integers(1, 150), max_size=6))
def test_byte_ranges_of_articles(scratch: Path, cuts: list[int]) -> None:
    path = scratch / "wiki_00"
    path.write_text(WIKI)
    assert read_in_ranges(path, cuts, "wikiextractor") == ["One\n\n1 < 2 & 3", "Two"]


@pytest.mark.parametrize("format", ["wikiextractor", "auto"])
def test_articles_lose_their_tags(tmp_path: Path, format: str) -> None:
    (tmp_path / "AA").mkdir()
    (tmp_path / "AA" / "wiki_00").write_text(WIKI)
    assert texts(tmp_path, format=format) == ["One\n\n1 < 2 & 3", "Two"]


def test_what_is_no_article_is_named_or_left_out(tmp_path: Path) -> None:
    (tmp_path / "wiki_00").write_text("before\n" + WIKI)
    (tmp_path / "wiki_01").write_text(WIKI[:50])
    with pytest.raises(UserError, match=r"wiki_00: the line at byte 0 is outside of <doc \.\.\.>"):
        texts(tmp_path / "wiki_00", format="wikiextractor")
    with pytest.raises(UserError, match=r"wiki_01: the article at byte 0 has no </doc>"):
        texts(tmp_path / "wiki_01")
    assert left_out(tmp_path, format="wikiextractor", on_error="skip") == {
        "lines outside of <doc ...>": 1,
        "articles without </doc>": 1,
    }


def test_blank_lines_end_documents(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("\n\nfirst\nstill first\n  \n\nsecond\n")
    assert texts(tmp_path) == ["first\nstill first", "second"]


@pytest.mark.parametrize(("format", "expected"), [("text", 2), ("lines", 4), ("file", 1)])
def test_what_ends_a_document_of_plain_text(tmp_path: Path, format: str, expected: int) -> None:
    (tmp_path / "a.txt").write_text("one\ntwo\n\nthree\nfour\n")
    documents = texts(tmp_path, format=format)
    assert len(documents) == expected
    assert "".join(documents).replace("\n", "") == "onetwothreefour"


def test_a_range_that_owns_nothing_ends_at_its_end(tmp_path: Path) -> None:
    """Else a file without blank lines would be read once by every range."""
    path = tmp_path / "a.txt"
    path.write_text("line\n" * 100_000)
    with open_text(str(path), "utf-8") as file:
        assert list(text.between_blank_lines(file, file_range(path, "text", 1000, 2000))) == []
        assert file.file.tell() < 20_000
