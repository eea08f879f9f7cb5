"""Check the records between the steps: the key of a document, and its sentences in parts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from configs.common import randomness
from data_prep.document import SourceDocument, TokenizedDocument
from tests.data_prep.sources.reading import read


def test_the_content_names_a_document() -> None:
    text = SourceDocument("some text", "a:0")
    assert text.key == SourceDocument("some text", "b:9", source=3, copy=1).key == randomness.text_hash("some text\n")
    assert text.key != SourceDocument("some texts", "a:0").key
    ids = SourceDocument("", "a:0", token_ids=[np.array([1, 2]), np.array([3])])
    assert ids.key == SourceDocument("", "b:1", token_ids=[np.array([1, 2], np.uint16), np.array([3])]).key
    assert ids.key != SourceDocument("", "a:0", token_ids=[np.array([1, 2, 3])]).key


@pytest.mark.parametrize(
    ("name", "content", "keys"),
    [
        ("a.txt", "first line\nsecond line\n\nanother\n", {}),
        ("a.txt", "first line\nsecond line\n\nanother", {}),
        ("a.txt", "first line\r\nsecond line\r\n\r\nanother\r\n", {}),
        ("a.txt", "first line\r\nsecond line\r\n\r\nanother", {}),
        (
            "a.txt",
            "<doc id=1>\nfirst line\nsecond line\n</doc>\n<doc id=2>\nanother\n</doc>\n",
            {"format": "wikiextractor"},
        ),
        ("a.jsonl", '{"text": "first line\\nsecond line"}\n{"text": "another\\n"}\n', {}),
        ("a.json", '[{"text": "first line\\r\\nsecond line\\r\\n"}, {"text": "another"}]', {}),
        ("a.csv", 'text\n"first line\nsecond line"\nanother\n', {}),
    ],
)
def test_a_text_has_one_key_in_every_kind_of_file(
    tmp_path: Path, name: str, content: str, keys: dict[str, str]
) -> None:
    """So a text that occurs in two files is found as repeated, and both are held out or neither."""
    (tmp_path / name).write_bytes(content.encode())
    expected = [SourceDocument(text, "").key for text in ("first line\nsecond line", "another")]
    assert [document.key for document in read(tmp_path / name, **keys)] == expected


def test_the_key_follows_a_change_of_the_text() -> None:
    document = SourceDocument("some text", "a:0")
    assert document.key == document.key == randomness.text_hash("some text\n")
    document.text = "another"
    assert document.key == randomness.text_hash("another\n")


def test_sentences_come_in_order_through_the_parts() -> None:
    first, second = np.arange(5, dtype=np.uint32), np.arange(5, 7, dtype=np.uint32)
    parts = [(first, np.array([0, 2, 2, 5])), (second, np.array([0, 2]))]
    sentences = TokenizedDocument(SourceDocument("", ""), parts).sentences
    assert [sentence.tolist() for sentence in sentences] == [[0, 1], [], [2, 3, 4], [5, 6]]
