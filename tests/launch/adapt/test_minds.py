"""Sentences and words about which a discriminator changed its mind, with numbers worked by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from launch.adapt.minds import Row, Token, changed_sentences, changed_words, read_rows


def tokens(text: str, before: float, after: float, replaced: str = "") -> tuple[Token, ...]:
    return tuple(Token(word, "was" if word == replaced else None, before, after) for word in text.split())


def test_files_are_read_together(tmp_path: Path) -> None:
    line = {"corpus": "c", "row": 3, "tokens": ["[CLS]", "a", "b"], "originals": {"2": "x"}}
    for name, suspicion in (("before", [0.1, 0.2, 0.3]), ("after", [0.0, 0.1, 0.9])):
        (tmp_path / name).write_text(json.dumps({**line, "suspicion": suspicion}) + "\n")
    (row,) = read_rows(tmp_path / "before", tmp_path / "after")
    assert row.corpus == "c"
    assert row.tokens[2] == Token("b", "x", 0.3, 0.9)
    assert row.tokens[1].gain == pytest.approx(0.1)  # an original word is suspected less
    assert row.tokens[2].gain == pytest.approx(0.6)  # a replaced word is suspected more


def test_sentences_are_ranked_by_what_they_gained() -> None:
    good = tokens("one two three four five .", 0.5, 0.4)
    better = tokens("the fever is very high .", 0.5, 0.3, replaced="fever")
    bad = tokens("this word was right before ?", 0.1, 0.6)
    short = tokens("too short !", 0.9, 0.0)
    end = (Token("[SEP]", None, 0.9, 0.0),)
    rows = [Row("c", (Token("[CLS]", None, 0.9, 0.0), *good, *better, *end)), Row("c", (*bad, *short))]
    gained, lost = changed_sentences(rows, 2)
    # The second sentence gains 5 x .2 and loses .2; the first gains 6 x .1.
    assert [sentence.tokens[0].word for sentence in gained] == ["the", "one"]
    assert [sentence.gain for sentence in gained] == pytest.approx([0.8, 0.6])
    assert [sentence.tokens[0].word for sentence in lost] == ["this"]
    assert lost[0].gain == pytest.approx(-3.0)
    assert len(gained[0].largest) == 3


def test_words_are_means_over_places_where_they_were_not_replaced() -> None:
    seen = tokens("blood " * 5, 0.4, 0.2) + tokens("blood " * 5, 0.2, 0.2)
    replaced = tokens("blood", 0.9, 0.9, replaced="blood")
    rare, worse = tokens("rare " * 9, 0.9, 0.0), tokens("web " * 10, 0.1, 0.3)
    familiar, suspicious = changed_words([Row("c", seen + replaced + rare), Row("c", worse)], 5)
    assert [(word.word, word.occurrences) for word in familiar] == [("blood", 10)]
    assert (familiar[0].before, familiar[0].after) == pytest.approx((0.3, 0.2))
    assert [word.word for word in suspicious] == ["web"]
