"""The fields of a record decide what it is; a record that is no example is refused with its fault."""

from __future__ import annotations

from typing import Any

import pytest

from pretrain.evaluation.tasks.reading.records import RawExample, RawLabel, RawTags, parse_record
from pretrain.evaluation.tasks.reading.task import Answer, Answers, Choice, Relation, Relations, Terms

EXAMPLES: dict[str, tuple[dict[str, Any], RawExample]] = {
    "a text": ({"text": "今天", "label": "晴"}, RawExample("今天", None, (), RawLabel("晴", "label"))),
    "a text without a label": ({"text": "今天"}, RawExample("今天", None, (), RawLabel(None, "label"))),
    "two texts with a score": (
        {"sentence1": "a", "sentence2": "b", "score": "-1"},
        RawExample("a", "b", (), RawLabel(-1.0, "score", is_score=True)),
    ),
    "a score on which nobody agreed": (
        {"sentence1": "a", "sentence2": "b", "score": "-"},
        RawExample("a", "b", (), RawLabel(None, "score", is_score=True)),
    ),
    "a score that is unknown": (
        {"sentence1": "a", "sentence2": "b", "score": "unknown"},
        RawExample("a", "b", (), RawLabel(None, "score", is_score=True)),
    ),
    "keywords": (
        {"abst": "a", "keyword": ["b", "c"], "label": 1},
        RawExample("a", "b, c", (), RawLabel(1, "label")),
    ),
    "words": ({"tokens": ["北", "京"], "tags": [1, 2]}, RawExample("", None, ("北", "京"), RawTags((1, 2), "tags"))),
    "words without tags": ({"tokens": ["a"]}, RawExample("", None, ("a",), RawTags(None, "ner_tags"))),
    "a question": (
        {"question": "谁", "context": "是我", "answers": [{"text": "我", "answer_start": 1}]},
        RawExample("谁", "是我", (), Answers((Answer("我", 1),))),
    ),
    "a question as datasets exports it": (
        {"question": "q", "context": "abc", "answers": {"text": ["b", "c"], "answer_start": [1, 2]}},
        RawExample("q", "abc", (), Answers((Answer("b", 1), Answer("c", 2)))),
    ),
    "a question without an answer": (
        {"question": "q", "context": "c", "answers": []},
        RawExample("q", "c", (), Answers(())),
    ),
    "a question whose answer has no place": (
        {"question": "q", "context": "c", "answers": [{"text": "c", "answer_start": -1}]},
        RawExample("q", "c", (), None),
    ),
    "a choice by its text": (
        {"text": "t", "choices": ["a", "b"], "label": "b"},
        RawExample("t", None, (), Choice(("a", "b"), 1)),
    ),
    "a choice whose label is unknown": (
        {"text": "t", "choices": ["a", "b"], "label": -1},
        RawExample("t", None, (), None),
    ),
    "terms": (
        {"text": "t", "normalized_result": '"肺炎"##发热'},
        RawExample("t", None, (), Terms(("肺炎", "发热"))),
    ),
    "relations, each once": (
        {"text": "ab", "spo_list": [{"subject": "a", "predicate": "p", "object": {"@value": "b"}}] * 2},
        RawExample("", None, ("a", "b"), Relations((Relation("a", "p", "b"),))),
    ),
    "a pronoun and its noun": (
        {
            "text": "小明说他",
            "target": {"span1_index": 0, "span1_text": "小明", "span2_index": 3, "span2_text": "他"},
            "label": "true",
        },
        RawExample("_小明_说[他]", None, (), RawLabel("true", "label")),
    ),
}
FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "no text": ({}, "none of its fields is a text that is known"),
    "a dialogue": ({"dialogue": [], "text": "a"}, "holds dialogues, as in IMCS"),
    "a text of another type": ({"text": None}, "None is no text"),
    "a score that is no number": ({"text": "a", "score": [1]}, r"the score \[1\] is no number"),
    "a score without an end": ({"text": "a", "score": "inf"}, "the score 'inf' is not finite"),
    "more tags than words": ({"tokens": ["a"], "tags": [1, 2]}, "1 tokens and 2 tags"),
    "a choice of none": ({"text": "t", "choices": ["a"], "label": 1}, "1 is none of its 1 choices"),
    "no choices": ({"text": "t", "choices": []}, r"choices is \[\], and a list of texts is expected"),
    "answers without a place": ({"question": "q", "context": "c", "answers": ["c"]}, "answers is neither a list of"),
    "a noun elsewhere": (
        {"text": "ab", "target": {"span1_index": 1, "span1_text": "a", "span2_index": 0, "span2_text": "a"}},
        "'a' is not at character 1 of its text",
    ),
}


@pytest.mark.parametrize("case", EXAMPLES)
def test_a_record_becomes_an_example(case: str) -> None:
    record, expected = EXAMPLES[case]
    assert parse_record(record) == expected


@pytest.mark.parametrize("case", FAULTS)
def test_a_faulty_record_is_refused(case: str) -> None:
    record, sentence = FAULTS[case]
    with pytest.raises(ValueError, match=f"^{sentence}"):
        parse_record(record)
