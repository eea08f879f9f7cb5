"""A record of a published file as an example: which field is what follows from the names of all.

Sources: GLUE's files; github.com/CLUEbenchmark/CLUE, /CBLUEbenchmark/CBLUE, /ymcui/cmrc2018 and their baselines.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pretrain.evaluation.tasks.reading.entities import tagged
from pretrain.evaluation.tasks.reading.task import (
    Answer,
    Answers,
    Choice,
    LabelledExample,
    Relation,
    Relations,
    Tags,
    Terms,
)

Record = Mapping[str, Any]

# The fields of a first and of a second text: ours; GLUE's; CLUE's; CBLUE's; PaddleNLP's. The first line that fits is
# taken.
TEXTS: tuple[tuple[str, ...], ...] = (
    *(("text", "text_pair"), ("sentence1", "sentence2"), ("question1", "question2"), ("question", "sentence")),
    *(("#1 String", "#2 String"), ("abst", "keyword"), ("text1", "text2"), ("query1", "query2"), ("query", "title")),
    *(("text_a", "text_b"), ("text",), ("sentence",), ("query",)),
)
_LABELS = ("label", "gold_label", "is_duplicate", "Quality")
_NUMBERS = ("score",)
# What is no label: pairs that the annotators of SNLI and OCNLI did not agree on.
_UNDECIDED = "-"
# A blank of CHID, and how one that is not asked for is shown.
_BLANK = re.compile("#idiom[0-9]+#")
_OTHER_BLANK = "[MASK]" * 4
# A field by which a task is known that is not read, and what it is.
_NOT_READ = {
    "dialogue": "dialogues, as in IMCS, which are not read; write their sentences as {text, label} or {tokens, tags}",
    "event": "events, as in CHIP-CDEE, which are not read",
}


def example_of(record: Record) -> LabelledExample | None:
    """None for a record without a label. Raises ValueError for one that is no example of anything."""
    if reason := next((_NOT_READ[name] for name in record if name in _NOT_READ), None):
        raise ValueError(f"holds {reason}")
    if "choices" in record:
        return _choice(record)
    if "context" in record:
        return _question(record)
    if "tokens" in record:
        return _words(record["tokens"], record.get("tags"))
    if "spo_list" in record:
        return _relations(record)
    if "normalized_result" in record:
        return _terms(record)
    entities = record.get("entities", record["label"] if isinstance(record.get("label"), dict) else None)
    if entities is not None:
        return _words(*tagged(record["text"], entities))
    return _text_or_two(record)


def _text_or_two(record: Record) -> LabelledExample | None:
    texts = next((names for names in TEXTS if all(name in record for name in names)), None)
    if not texts:
        raise ValueError("none of its fields is a text that is known")
    target = _target(record)
    if target is None:
        return None
    if "target" in record:
        return LabelledExample(_marked(_string(record["text"]), record["target"]), None, (), target)
    first, second = (*(_text(record[name]) for name in texts), None)[:2]
    assert first is not None
    return LabelledExample(first, second, (), target)


def _target(record: Record) -> str | float | None:
    if number := next((name for name in _NUMBERS if name in record), None):
        return _finite(float(record[number]))
    name = next((name for name in _LABELS if record.get(name) not in (None, "")), None)
    if not name or record[name] == _UNDECIDED:
        return None
    return _finite(record[name]) if isinstance(record[name], float) else str(record[name])


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise ValueError(f"{number} cannot be learned")
    return number


def _text(value: Any) -> str:
    """CLUE's csl gives a list of keywords."""
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _string(value: Any) -> str:
    """What has places in it, or is looked for in what has, cannot be made a text."""
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")
    return value


def _marked(text: str, target: Record) -> str:
    """CLUEWSC as CLUE's own baseline shows it: _the noun_ that [the pronoun] may stand for."""
    marks = {"span1": "__", "span2": "[]"}
    for name in sorted(marks, key=lambda name: -target[f"{name}_index"]):  # the later one first, so the other stays
        start, span = target[f"{name}_index"], target[f"{name}_text"]
        if text[start : start + len(span)] != span:
            raise ValueError(f"{span!r} is not at character {start} of its text")
        left, right = marks[name]
        text = text[:start] + left + span + right + text[start + len(span) :]
    return text


def _words(words: Iterable[str], tags: Iterable[str] | None) -> LabelledExample | None:
    if tags is None:
        return None
    words, tags = tuple(map(str, words)), tuple(map(str, tags))
    if not words or len(words) != len(tags):
        raise ValueError(f"{len(words)} tokens and {len(tags)} tags")
    return LabelledExample("", None, words, Tags(tags))


def _question(record: Record) -> LabelledExample | None:
    """No answers are an answer: there is none, as in SQuAD 2.0. No field, or answers that are nowhere, are no label."""
    given = record.get("answers")
    if given is None:
        return None
    answers = tuple(Answer(_string(answer["text"]), int(answer["answer_start"])) for answer in given)
    known = tuple(answer for answer in answers if answer.start >= 0)
    if answers and not known:  # the test files of CMRC
        return None
    return LabelledExample(_text(record["question"]), _string(record["context"]), (), Answers(known))


def _choice(record: Record) -> LabelledExample | None:
    """Ours: {text, text_pair, choices, label}, where the label is the place of the right one or its text."""
    options, label = tuple(map(str, record["choices"])), record.get("label")
    if label in (None, ""):
        return None
    right = label if isinstance(label, int) else options.index(str(label)) if label in options else -1
    if not 0 <= right < len(options):
        raise ValueError(f"{label!r} is none of its {len(options)} choices")
    pair = record.get("text_pair")
    return LabelledExample(_text(record["text"]), None if pair is None else _text(pair), (), Choice(options, right))


def _terms(record: Record) -> LabelledExample | None:
    """CHIP-CDN: names with ## between them."""
    given = record["normalized_result"]
    names = [name.strip('"') for name in given.split("##")] if given else []
    return LabelledExample(_text(record["text"]), None, (), Terms(tuple(names))) if names else None


def _relations(record: Record) -> LabelledExample | None:
    """CMeIE."""
    if record["spo_list"] is None:
        return None
    found = [
        Relation(_string(spo["subject"]), _string(spo["predicate"]), _string(spo["object"]["@value"]))
        for spo in record["spo_list"]
    ]
    return LabelledExample("", None, tuple(_string(record["text"])), Relations(tuple(dict.fromkeys(found))))


def of_tree(whole: Record) -> Iterator[Record]:
    """SQuAD's articles, and those of CMRC and DRCD."""
    for article in whole["data"]:
        for paragraph in article["paragraphs"]:
            for question in paragraph["qas"]:
                yield {
                    "question": question["question"],
                    "context": paragraph["context"],
                    "answers": question.get("answers"),
                }


def of_c3(whole: list[Any]) -> Iterator[Record]:
    """C3: [sentences, [{question, choice, answer}], id]."""
    for sentences, questions, *_ in whole:
        for question in questions:
            yield {
                "text": "\n".join(map(str, sentences)),
                "text_pair": question["question"],
                "choices": question["choice"],
                "label": question.get("answer"),
            }


def of_chid(record: Record, answers: Mapping[str, int]) -> Iterator[LabelledExample]:
    """CHID: {candidates, content}, whose blanks are named; each blank is an example, with [MASK] for the others."""
    options = tuple(map(str, record["candidates"]))
    for passage in record["content"]:
        for blank in _BLANK.finditer(passage):
            before, after = (
                _BLANK.sub(_OTHER_BLANK, part) for part in (passage[: blank.start()], passage[blank.end() :])
            )
            if (right := answers.get(blank.group())) is not None:
                if not 0 <= int(right) < len(options):
                    raise ValueError(f"{right!r} is none of its {len(options)} candidates")
                yield LabelledExample(f"{before}[MASK]{after}", None, (), Choice(options, int(right), len(before)))
