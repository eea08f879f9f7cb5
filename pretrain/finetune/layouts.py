"""Labelled tasks as folders of train, dev and test files, in our layout and as GLUE, CLUE, CBLUE and CMRC publish them.

Ours are JSON lines: {text, text_pair, label}, or {tokens, tags}, or {question, context, answers: [{text,
answer_start}]}. What a file is follows from the names of its fields, never from the name of the task.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from configs.errors import UserError
from pretrain.finetune.entities import tagged

Kind = Literal["classes", "number", "tags", "spans"]
Record = dict[str, Any]

# The fields of a first and of a second text: ours; GLUE's; CLUE's; CBLUE's. The first line that fits is taken.
_TEXTS: tuple[tuple[str, ...], ...] = (
    *(("text", "text_pair"), ("sentence1", "sentence2"), ("question1", "question2"), ("question", "sentence")),
    *(("#1 String", "#2 String"), ("abst", "keyword"), ("text1", "text2"), ("query1", "query2"), ("query", "title")),
    *(("text",), ("sentence",), ("query",)),
)
_LABELS = ("label", "gold_label", "is_duplicate", "Quality")
_NUMBERS = ("score",)
_COLA = ("source", "label", "star", "sentence")  # the one file of GLUE without a header
# What is no label: pairs that the annotators of SNLI and OCNLI did not agree on.
_UNDECIDED = "-"
_ENDINGS = (".jsonl", ".json", ".tsv")
_SPLITS = {"train": "train", "dev": "dev|dev_matched|valid|validation", "test": "test"}


@dataclass(frozen=True)
class Answer:
    text: str
    start: int  # in characters of the context


@dataclass(frozen=True)
class Example:
    """One line of a task. `target` is a class, a number, a tag for each of `words`, or the answers to a question."""

    text: str
    pair: str | None
    words: tuple[str, ...]
    target: str | float | tuple[str, ...] | tuple[Answer, ...]


@dataclass(frozen=True)
class Task:
    name: str
    kind: Kind
    train: list[Example]
    held_out: list[Example]
    split: str  # which one is held out: test where it is labelled, otherwise dev
    labels: tuple[str, ...]  # classes, or tags; none of numbers and spans


def read_task(folder: Path) -> Task:
    """Raises UserError for a folder without a labelled train file and a labelled dev or test file."""
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; a task is one with train, dev and test files")
    splits = {split: _read(file) for split in _SPLITS if (file := _file_of(folder, split))}
    labelled = {split: examples for split, examples in splits.items() if examples}
    held_out = next((split for split in ("test", "dev") if split in labelled), None)
    if "train" not in labelled or held_out is None:
        raise UserError(
            f"{folder}: holds labelled examples of {', '.join(labelled) or 'nothing'}, and a task has train.jsonl (or "
            ".json, .tsv, .gz) and dev.jsonl or test.jsonl, with labels"
        )
    train, last = labelled["train"], labelled[held_out]
    kinds: set[Kind] = {kind_of(example) for example in (*train, *last)}
    if len(kinds) > 1:
        raise UserError(f"{folder}: mixes examples of several kinds: {', '.join(sorted(kinds))}")
    return Task(folder.name, kinds.pop(), train, last, held_out, _labels((*train, *last)))


def kind_of(example: Example) -> Kind:
    if isinstance(example.target, tuple):
        return "tags" if example.words else "spans"
    return "number" if isinstance(example.target, float) else "classes"


def _labels(examples: Iterable[Example]) -> tuple[str, ...]:
    """Of all splits: a class that training never shows is still one that can be missed."""
    found: set[str] = set()
    for example in examples:
        if isinstance(example.target, str):
            found.add(example.target)
        elif example.words and isinstance(example.target, tuple):
            found.update(str(tag) for tag in example.target)
    return tuple(sorted(found))


def _file_of(folder: Path, split: str) -> Path | None:
    """`train.jsonl`, `KUAKE-QIC_train.json`, `cmrc2018_train.json`, `dev_matched.tsv`, compressed or not."""
    pattern = re.compile(rf"(?:.*[_-])?(?:{_SPLITS[split]})(?:{'|'.join(map(re.escape, _ENDINGS))})(?:\.gz)?")
    found = sorted(path for path in folder.iterdir() if pattern.fullmatch(path.name))
    if len(found) > 1:
        raise UserError(f"{folder}: {found[0].name} and {found[1].name} are both its {split}; leave one of them")
    return found[0] if found else None


def _read(file: Path) -> list[Example]:
    """The labelled examples; none when the file has no labels, as the test files of GLUE have none."""
    examples: list[Example] = []
    for number, record in enumerate(_records(file), 1):
        try:
            if example := _example(record):
                examples.append(example)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UserError(f"{file}: record {number}: {error}; fields: {', '.join(map(str, record))}") from None
    return examples


def _records(file: Path) -> list[Record]:
    try:
        content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        text = content.decode("utf-8-sig")
        return _table(text) if ".tsv" in file.suffixes else _json(text)
    except (OSError, ValueError, EOFError, RecursionError) as error:
        raise UserError(f"{file}: cannot be read ({error}); expected are JSON, JSON lines or .tsv in UTF-8") from None


def _table(text: str) -> list[Record]:
    """GLUE's: columns between tabs, nothing is quoted."""
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter="\t", quoting=csv.QUOTE_NONE))
    if not rows:
        return []
    headed = {name for names in _TEXTS for name in names} & set(rows[0])
    names, rows = (rows[0], rows[1:]) if headed else (list(_COLA), rows)
    return [dict(zip(names, row, strict=False)) for row in rows]


def _json(text: str) -> list[Record]:
    """A list, SQuAD's tree, or a record a line."""
    try:
        whole = json.loads(text)
    except ValueError:
        whole = [json.loads(line) for line in text.split("\n") if line.strip()]
    if isinstance(whole, dict) and "data" in whole:
        return [
            {"question": question["question"], "context": paragraph["context"], "answers": question.get("answers")}
            for article in whole["data"]
            for paragraph in article["paragraphs"]
            for question in paragraph["qas"]
        ]
    records = whole if isinstance(whole, list) else [whole]
    if not all(isinstance(record, dict) for record in records):
        raise ValueError("a record is no JSON object")
    return records


def _example(record: Record) -> Example | None:
    """None for a record without a label."""
    if "context" in record:
        return _question(record)
    if "tokens" in record:
        return _words(record["tokens"], record.get("tags"))
    entities = record.get("entities", record["label"] if isinstance(record.get("label"), dict) else None)
    if entities is not None:
        return _words(*tagged(record["text"], entities))
    texts = next((names for names in _TEXTS if all(name in record for name in names)), None)
    if not texts:
        raise ValueError("none of its fields is a text that is known")
    target = _target(record)
    if target is None:
        return None
    first, second = (*(_text(record[name]) for name in texts), None)[:2]
    assert first is not None
    return Example(first, second, (), target)


def _target(record: Record) -> str | float | None:
    if number := next((name for name in _NUMBERS if name in record), None):
        return float(record[number])
    name = next((name for name in _LABELS if record.get(name) not in (None, "")), None)
    if not name or record[name] == _UNDECIDED:
        return None
    return record[name] if isinstance(record[name], float) else str(record[name])


def _text(value: Any) -> str:
    """CLUE's csl gives a list of keywords."""
    return ", ".join(value) if isinstance(value, list) else str(value)


def _words(words: Iterable[str], tags: Iterable[str] | None) -> Example | None:
    if tags is None:
        return None
    example = Example("", None, tuple(words), tuple(tags))
    assert isinstance(example.target, tuple)
    if not example.words or len(example.words) != len(example.target):
        raise ValueError(f"{len(example.words)} tokens and {len(example.target)} tags")
    return example


def _question(record: Record) -> Example | None:
    if record.get("answers") is None:
        return None
    answers = tuple(Answer(answer["text"], int(answer["answer_start"])) for answer in record["answers"])
    if not answers:
        raise ValueError("a question without an answer, which is not supported")
    return Example(record["question"], record["context"], (), answers)
