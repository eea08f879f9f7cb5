"""Check the records between the steps: the key of a document, and its sentences in parts."""

from __future__ import annotations

import numpy as np

from configs.common import randomness
from data_prep.document import SourceDocument, TokenizedDocument


def test_the_content_names_a_document() -> None:
    text = SourceDocument("some text", "a:0")
    assert text.key == SourceDocument("some text", "b:9", source=3, copy=1).key == randomness.text_hash("some text")
    assert text.key != SourceDocument("some texts", "a:0").key
    ids = SourceDocument("", "a:0", token_ids=[np.array([1, 2]), np.array([3])])
    assert ids.key == SourceDocument("", "b:1", token_ids=[np.array([1, 2], np.uint16), np.array([3])]).key
    assert ids.key != SourceDocument("", "a:0", token_ids=[np.array([1, 2, 3])]).key


def test_the_key_follows_a_change_of_the_text() -> None:
    document = SourceDocument("some text", "a:0")
    assert document.key == document.key == randomness.text_hash("some text")
    document.text = "another"
    assert document.key == randomness.text_hash("another")


def test_sentences_come_in_order_through_the_parts() -> None:
    first, second = np.arange(5, dtype=np.uint32), np.arange(5, 7, dtype=np.uint32)
    parts = [(first, np.array([0, 2, 2, 5])), (second, np.array([0, 2]))]
    sentences = TokenizedDocument(SourceDocument("", ""), parts).sentences
    assert [sentence.tolist() for sentence in sentences] == [[0, 1], [], [2, 3, 4], [5, 6]]
