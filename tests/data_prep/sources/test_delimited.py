"""Tables of text: quotes that are quotes, quotes that are text, and rows with too many cells."""

from __future__ import annotations

from pathlib import Path

import pytest

from configs.common.errors import UserError
from tests.data_prep.sources.reading import left_out, texts


def test_a_lone_quote_in_tab_separated_values_is_text(tmp_path: Path) -> None:
    rows = ["one", '"two is never closed', "three", 'four has "inner" quotes', 'five ends"']
    (tmp_path / "a.tsv").write_text("id\ttext\n" + "".join(f"{n}\t{row}\n" for n, row in enumerate(rows)))
    assert texts(tmp_path) == rows


def test_tab_separated_values_may_be_quoted(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text('id\ttext\n1\t"two\nlines"\n2\t"a ""quote"""\n')
    assert texts(tmp_path) == ["two\nlines", 'a "quote"']


def test_a_quote_that_is_never_closed_is_named_by_its_row(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('id,text\n1,one\n2,"two\n3,three\n4,four\n')
    with pytest.raises(UserError, match=r"a\.csv: the row at line 3 has a quote that is not closed"):
        texts(tmp_path)
    assert texts(tmp_path, on_error="skip") == ["one"]
    assert left_out(tmp_path, on_error="skip") == {"rests of tables after a wrong quote": 1}


@pytest.mark.parametrize("row", ["2,two, three", "2"])
def test_rows_with_another_number_of_cells(tmp_path: Path, row: str) -> None:
    (tmp_path / "a.csv").write_text(f"id,text\n1,one\n{row}\n3,three\n")
    with pytest.raises(UserError, match=r"a\.csv: the row at line 3 has [13] cells, and the header has 2"):
        texts(tmp_path)
    assert texts(tmp_path, on_error="skip") == ["one", "three"]
    assert left_out(tmp_path, on_error="skip") == {"rows with another number of cells than the header": 1}


def test_other_delimiters_are_seen_in_the_header(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id;text\n1;one, with a comma\n")
    assert texts(tmp_path) == ["one, with a comma"]


def test_a_missing_column_is_named_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,body\n1,one\n")
    with pytest.raises(UserError, match=r"a\.csv: has no column 'text' \(it has id, body\); set field of the source"):
        texts(tmp_path)
