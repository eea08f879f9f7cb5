"""A record becomes an example. The names of all its fields decide the role of each field.

Labels of texts and tags of words are left as they stand in the file. `labels.py` and `tag_names.py` decide their
meaning for the whole task.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pretrain.evaluation.tasks.reading.entities import entity_tags
from pretrain.evaluation.tasks.reading.fields import LABELS, SCORES, TAGS, WORDS, first_field, text_fields
from pretrain.evaluation.tasks.reading.labels import parse_label
from pretrain.evaluation.tasks.reading.marks import DISAGREEMENT, is_missing
from pretrain.evaluation.tasks.reading.task import Answer, Answers, Choice, Relation, Relations, Target, Terms
from pretrain.evaluation.tasks.reading.trees import Record

# Fields that identify a task that is not supported, with the reason.
_UNSUPPORTED = {
    "dialogue": "dialogues, as in IMCS, which are not read; write their sentences as {text, label} or {tokens, tags}",
    "event": "events, as in CHIP-CDEE, which are not read",
}


@dataclass(frozen=True)
class RawLabel:
    """The label of a text as it stands in the file; None where there is none."""

    value: Any
    field: str
    is_score: bool = False  # whether the field holds numbers, even if they look like classes


@dataclass(frozen=True)
class RawTags:
    """The tags of words as they stand in the file; None where there are none."""

    values: tuple[Any, ...] | None
    field: str


@dataclass(frozen=True)
class RawExample:
    """A record whose target is a label to be resolved, a finished target, or None where the record has none."""

    text: str
    pair: str | None
    words: tuple[str, ...]
    target: RawLabel | RawTags | Target | None


def parse_record(record: Record) -> RawExample:
    """Parse a record.

    Raises ValueError, KeyError, TypeError or AttributeError for a record that is no example of a known kind.
    """
    if reason := next((_UNSUPPORTED[name] for name in record if name in _UNSUPPORTED), None):
        raise ValueError(f"holds {reason}")
    if "choices" in record:
        return _choice(record)
    if "context" in record:
        return _question(record)
    if words := first_field(record, WORDS):
        return _tagged_words(record, words)
    if record.get("spo_list") is not None:
        return _relations(record)
    if "normalized_result" in record:
        return _terms(record)
    entities = record.get("entities", record["label"] if isinstance(record.get("label"), dict) else None)
    if entities is not None:
        words_, tags = entity_tags(_string(record["text"]), entities)
        return RawExample("", None, words_, RawTags(tags, "entities"))
    return _labelled_text(record)


def _labelled_text(record: Record) -> RawExample:
    fields = text_fields(record)
    if not fields:
        raise ValueError("none of its fields is a text that is known; name one text, or two text and text_pair")
    if (score := first_field(record, SCORES)) is not None:
        label = RawLabel(_score(record[score]), score, is_score=True)
    else:
        label = _label(record)
    if "target" in record and isinstance(record["target"], Mapping):
        return RawExample(_with_marked_spans(_string(record["text"]), record["target"]), None, (), label)
    first, second = (*(_text(record[name]) for name in fields), None)[:2]
    assert first is not None
    return RawExample(first, second, (), label)


def _label(record: Record) -> RawLabel:
    """The first label of the record that is not empty."""
    names = [name for name in LABELS if name in record]
    values = {name: parse_label(record[name]) for name in names}
    name = next((name for name in names if values[name] is not None), names[0] if names else LABELS[0])
    return RawLabel(values.get(name), name)


def _score(value: Any) -> float | None:
    value = parse_label(value)
    if value == DISAGREEMENT or (is_missing(value) and value not in (-1, "-1", "-1.0")):  # a score may be -1
        return None
    try:
        number = float(value)
    except TypeError:
        raise ValueError(f"the score {value!r} is no number") from None
    if not math.isfinite(number):
        raise ValueError(f"the score {value!r} is not finite, and cannot be learned")
    return number


def _text(value: Any) -> str:
    """A text; the keywords of CLUE's csl are a list. Raises ValueError for a missing text."""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if value is None or isinstance(value, dict):
        raise ValueError(f"{value!r} is no text")
    return str(value)


def _string(value: Any) -> str:
    """A text in which places are counted. Any other value is refused, since its places would change as a string."""
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")
    return value


def _with_marked_spans(text: str, target: Record) -> str:
    """CLUEWSC in the form of CLUE's baseline: _the noun_ that [the pronoun] may refer to."""
    marks = {"span1": "__", "span2": "[]"}
    # The later span first, so that the place of the other stays valid.
    for name in sorted(marks, key=lambda name: -target[f"{name}_index"]):
        start, span = target[f"{name}_index"], target[f"{name}_text"]
        if text[start : start + len(span)] != span:
            raise ValueError(f"{span!r} is not at character {start} of its text")
        left, right = marks[name]
        text = text[:start] + left + span + right + text[start + len(span) :]
    return text


def _tagged_words(record: Record, words_field: str) -> RawExample:
    if not isinstance(record[words_field], list):
        raise ValueError(f"{words_field} is {record[words_field]!r:.60}, and a list of words is expected")
    words = tuple(map(str, record[words_field]))
    field = next((name for name in TAGS if record.get(name) not in (None, [], "")), None)
    if field is None:
        return RawExample("", None, words, RawTags(None, TAGS[0]))
    tags = record[field]
    if is_missing(tags) or (isinstance(tags, list) and all(is_missing(tag) for tag in tags)):
        return RawExample("", None, words, RawTags(None, field))
    if not isinstance(tags, list) or any(isinstance(tag, (list, dict, float)) for tag in tags):
        raise ValueError(f"{field} is {tags!r:.60}, and a list of names or numbers is expected")
    if not words or len(words) != len(tags):
        raise ValueError(f"{len(words)} tokens and {len(tags)} tags")
    return RawExample("", None, words, RawTags(tuple(tags), field))


def _question(record: Record) -> RawExample:
    """An empty list of answers is an answer: there is none, as in SQuAD 2.0. Answers without a place are no label."""
    example = RawExample(_text(record["question"]), _string(record["context"]), (), None)
    listed = _listed_answers(record.get("answers"))
    if listed is None:
        return example
    answers = tuple(Answer(_string(text), int(start)) for text, start in listed if text != "")
    if answers and all(answer.start < 0 for answer in answers):  # the test files of CMRC
        return example
    return RawExample(example.text, example.pair, (), Answers(answers))


def _listed_answers(answers: Any) -> list[tuple[Any, Any]] | None:
    """(text, start) of [{text, answer_start}], of {text: [...], answer_start: [...]} as `datasets` exports it, or of
    a single {text, answer_start}."""
    if is_missing(answers):
        return None
    if isinstance(answers, dict):
        texts, starts = answers["text"], answers["answer_start"]
        if not isinstance(texts, list):
            texts, starts = [texts], [starts]
        if len(texts) != len(starts):
            raise ValueError(f"answers has {len(texts)} texts and {len(starts)} answer_start")
        return [*zip(texts, starts, strict=True)]
    if not isinstance(answers, list) or not all(isinstance(answer, dict) for answer in answers):
        raise ValueError(
            "answers is neither a list of {text, answer_start} nor {text: [...], answer_start: [...]}; the place of an "
            "answer in its context is needed"
        )
    return [(answer["text"], answer["answer_start"]) for answer in answers]


def _choice(record: Record) -> RawExample:
    """{text, text_pair, choices, label}; the label is the place of the correct choice, or its text."""
    if not isinstance(record["choices"], list) or not record["choices"]:
        raise ValueError(f"choices is {record['choices']!r:.60}, and a list of texts is expected")
    options = tuple(_text(option) for option in record["choices"])
    pair = record.get("text_pair")
    pair = None if pair is None else _text(pair)
    place = _place_of_choice(record.get("label"), options)
    target = None if place is None else Choice(options, place, record.get("blank"))
    return RawExample(_text(record["text"]), pair, (), target)


def _place_of_choice(label: Any, options: tuple[str, ...]) -> int | None:
    """Return the place of the correct choice. It is None for a mark of a missing label.

    Marks are null, an empty text, -1 and "unknown", unless a choice has this name.
    """
    label = label.strip() if isinstance(label, str) else label
    if isinstance(label, str) and label in options:
        return options.index(label)
    if is_missing(label):
        return None
    is_whole = (isinstance(label, float) and label.is_integer()) or (isinstance(label, str) and label.isdecimal())
    place = int(label) if isinstance(label, int) or is_whole else -1
    if not 0 <= place < len(options):
        raise ValueError(f"{label!r} is none of its {len(options)} choices")
    return place


def _terms(record: Record) -> RawExample:
    """Parse a record of CHIP-CDN, whose terms are separated by ##."""
    names = record["normalized_result"]
    terms = () if is_missing(names) else tuple(name.strip('"') for name in _string(names).split("##"))
    return RawExample(_text(record["text"]), None, (), Terms(terms) if terms else None)


def _relations(record: Record) -> RawExample:
    """Parse a record of CMeIE."""
    words = tuple(_string(record["text"]))
    if is_missing(record["spo_list"]):
        return RawExample("", None, words, None)
    relations = [
        Relation(_string(spo["subject"]), _string(spo["predicate"]), _string(spo["object"]["@value"]))
        for spo in record["spo_list"]
    ]
    return RawExample("", None, words, Relations(tuple(dict.fromkeys(relations))))
