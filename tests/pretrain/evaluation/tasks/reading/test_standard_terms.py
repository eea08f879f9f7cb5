"""The standard terms are the second column of the only table in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from openpyxl import Workbook

from configs.common.errors import UserError
from pretrain.evaluation.tasks.reading.standard_terms import standard_terms


def write(path: Path, *rows: tuple[object, ...]) -> None:
    book = Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)  # type: ignore[attr-defined]  the first sheet of a new book is a worksheet
    book.save(path)


def test_the_second_column(tmp_path: Path) -> None:
    write(tmp_path / "国际疾病分类.xlsx", ("A00", "霍乱"), ("A01", "伤寒"), ("A02", None), ("A03", 7), ("A04", "霍乱"))
    (tmp_path / "~$国际疾病分类.xlsx").write_text("the lock of a program that has the table open")
    assert standard_terms(tmp_path) == {"霍乱", "伤寒", "7"}


@pytest.mark.parametrize("count", [0, 2])
def test_one_table_is_wanted(tmp_path: Path, count: int) -> None:
    for number in range(count):
        write(tmp_path / f"{number}.xlsx", ("A00", "霍乱"))
    with pytest.raises(UserError, match=rf"holds {count} \.xlsx, and one with the standard terms"):
        standard_terms(tmp_path)


def test_a_damaged_table(tmp_path: Path) -> None:
    (tmp_path / "terms.xlsx").write_bytes(b"PK\x03\x04 cut short")
    with pytest.raises(UserError, match=r"terms\.xlsx: cannot be read \(.*\); its second column is to hold the terms"):
        standard_terms(tmp_path)
