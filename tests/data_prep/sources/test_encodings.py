"""Marks, the check of a sample, and what is replaced."""

from __future__ import annotations

from pathlib import Path

import pytest

from configs.common.errors import UserError
from configs.load import load
from data_prep.sources.encodings import Encoding, decode, encoding_of, problem, whole_characters
from tests.data_prep.sources.reading import read, texts

GERMAN = "Die Straße führt über die Brücke, und die Häuser stehen schön in der Sonne. " * 20


@pytest.mark.parametrize(
    ("encoding", "name", "mark_bytes"),
    [("utf-8-sig", "utf-8", 3), ("utf-16", "utf-16-le", 2), ("utf-32", "utf-32-le", 4), ("gb18030", "latin-1", 0)],
)
def test_a_mark_is_believed_before_the_stated_encoding(encoding: str, name: str, mark_bytes: int) -> None:
    assert encoding_of("患者".encode(encoding), "latin-1") == Encoding(name, mark_bytes)


@pytest.mark.parametrize(
    ("text", "written_in", "read_in", "guess"),
    [
        ("患者早上服药，晚上感觉好转。" * 30, "gb18030", "utf-8", "gb18030"),
        (GERMAN, "utf-16-le", "utf-8", "utf-16-le"),
        (GERMAN, "utf-16-be", "utf-8", "utf-16-be"),
        (GERMAN, "utf-8", "utf-16", "utf-8"),
    ],
)
def test_a_sample_in_another_encoding_gives_a_guess(text: str, written_in: str, read_in: str, guess: str) -> None:
    assert f"it looks like {guess}" in problem(text.encode(written_in), Encoding(read_in))


def test_a_sample_in_its_encoding_has_no_problem() -> None:
    """Few invalid sequences are replaced and counted: curly quotes of Windows in much English text."""
    assert problem(GERMAN.encode(), Encoding("utf-8")) == ""
    assert problem(b"plain English text " * 1000 + b"\x93quoted\x94", Encoding("utf-8")) == ""
    assert problem(GERMAN.encode("latin-1"), Encoding("utf-8"))


def test_what_is_no_text_is_replaced_and_counted() -> None:
    assert decode(b"a\xff b\0 \xef\xbf\xbd", "utf-8") == ("a\ufffd b\ufffd \ufffd", 2)
    assert whole_characters("bad \ud83d half, good \ud83d\ude00, \0") == ("bad \ufffd half, good \U0001f600, \ufffd", 2)


def test_documents_count_invalid_sequences(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("good \ufffd ".encode() + b"\xff\xfe bad \xe4\xb8\n")
    (document,) = read(tmp_path)
    assert document.invalid_sequences == 3


@pytest.mark.parametrize("encoding", ["utf-9", "hex", "idna"])
def test_what_is_no_encoding_of_text_is_refused(encoding: str) -> None:
    with pytest.raises(UserError, match=rf"data\.sources\.0\.encoding: '{encoding}' is no encoding of text"):
        load("tiny", [f"data.sources=[{{path='a', encoding='{encoding}'}}]"])


def test_utf_8_sig_may_lack_its_mark(tmp_path: Path) -> None:
    for name, encoding in (("with.txt", "utf-8-sig"), ("without.txt", "utf-8")):
        (tmp_path / name).write_text("first\nsecond\n", encoding=encoding)
        assert texts(tmp_path / name, encoding="utf-8-sig", format="lines") == ["first", "second"]
