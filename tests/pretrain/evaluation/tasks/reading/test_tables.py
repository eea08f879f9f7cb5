"""Tables with and without quotes."""

from __future__ import annotations

import pytest

from pretrain.evaluation.tasks.reading.tables import csv_records, tsv_records

RECORDS = [{"text": 'a, "b"\nc', "label": "1"}, {"text": "d", "label": ""}]


def test_csv_is_quoted() -> None:
    assert csv_records('text,label\n"a, ""b""\nc",1\nd,\n') == RECORDS
    assert csv_records('text;label\r\n"a, ""b""\nc";1\r\nd;\r\n') == RECORDS


def test_tsv_is_quoted_only_where_its_header_is() -> None:
    assert tsv_records('"text"\t"label"\n"a, ""b""\nc"\t"1"\n"d"\t""\n') == RECORDS
    assert tsv_records('text\tlabel\n"a" fine film\t1\n"b\t0\n') == [
        {"text": '"a" fine film', "label": "1"},
        {"text": '"b', "label": "0"},
    ]


def test_tsv_is_quoted_where_only_quotes_make_its_rows_even() -> None:
    """As pandas and the csv module write a cell with a line end or a tab."""
    assert tsv_records('text\tlabel\n"a, ""b""\nc"\t1\nd\t0\n') == [
        {"text": 'a, "b"\nc', "label": "1"},
        {"text": "d", "label": "0"},
    ]
    assert tsv_records('text\tlabel\n"a\tb"\t1\n')[0] == {"text": "a\tb", "label": "1"}
    # a row that lacks its label, and an inch that never ends
    assert tsv_records('text\tlabel\n5" long\n"b\t0\n') == [{"text": '5" long'}, {"text": '"b', "label": "0"}]


def test_names_of_columns_in_any_case() -> None:
    assert csv_records("Id,Text,Label,Law\n1,a,b,c\n") == [{"Id": "1", "text": "a", "label": "b", "Law": "c"}]


def test_missing_cells_are_missing_fields_and_long_cells_are_read() -> None:
    assert csv_records("text,label\na\n\n") == [{"text": "a"}]
    assert len(str(csv_records(f"text,label\n{'a' * 200_000},b\n")[0]["text"])) == 200_000


def test_what_would_be_lost_is_refused() -> None:
    with pytest.raises(ValueError, match="row 3 has 3 cells, and the header names 2"):
        csv_records("text,label\na,b\nc, d,e\n")
    with pytest.raises(ValueError, match="names no text field that is known"):
        csv_records("a fine film,1\na bad film,0\n")
    with pytest.raises(Exception, match="unexpected end of data"):
        csv_records('text,label\n"never closed,1\n')
