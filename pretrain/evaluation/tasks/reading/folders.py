"""Labelled tasks as folders of train, dev and test files, in our layout and as GLUE, CLUE, CBLUE and CMRC publish them.

Ours are JSON lines: {text, text_pair, label}, {text, text_pair, choices, label}, {tokens, tags}, or {question, context,
answers: [{text, answer_start}]}. What a file is follows from the names of its fields, never from the name of the task.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from configs.common.errors import UserError
from pretrain.evaluation.tasks.reading.records import TEXTS, Record, example_of, of_c3, of_chid, of_tree
from pretrain.evaluation.tasks.reading.task import Kind, LabelledExample, Task

_COLA = ("source", "label", "star", "sentence")  # the one file of GLUE without a header
_ENDINGS = (".jsonl", ".json", ".tsv")
_SPLITS = {"train": "train|training", "dev": "dev|dev_matched|valid|validation", "test": "test"}
# C3 is in two files, of monologues and of dialogues.
_HALVES = ("d-", "m-")
# What in a record is not as it should be.
_WRONG = (KeyError, TypeError, ValueError, AttributeError)


def read_task(folder: Path) -> Task:
    """Raises UserError for a folder without a labelled train file and a labelled dev or test file."""
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; a task is one with train, dev and test files")
    splits = {split: [example for file in _files_of(folder, split) for example in _read(file)] for split in _SPLITS}
    labelled = {split: examples for split, examples in splits.items() if examples}
    held_out = next((split for split in ("test", "dev") if split in labelled), None)
    if "train" not in labelled or held_out is None:
        raise UserError(
            f"{folder}: holds labelled examples of {', '.join(labelled) or 'nothing'}, and a task has train.jsonl (or "
            ".json, .tsv, .gz) and dev.jsonl or test.jsonl, with labels"
        )
    train, last = labelled["train"], labelled[held_out]
    kinds: set[Kind] = {example.kind for example in (*train, *last)}
    if len(kinds) > 1:
        raise UserError(f"{folder}: mixes examples of several kinds: {', '.join(sorted(kinds))}")
    # Of all splits: a class that training never shows is still one that can be missed.
    labels = {label for example in (*train, *last) for label in example.labels}
    if kinds == {"terms"}:
        labels |= set(_standard_terms(folder))
    return Task(folder.name, kinds.pop(), train, last, held_out, tuple(sorted(labels)))


def _files_of(folder: Path, split: str) -> list[Path]:
    """`train.jsonl`, `KUAKE-QIC_train.json`, `train-v2.0.json`, `dev_matched.tsv`, compressed or not."""
    endings = "|".join(map(re.escape, _ENDINGS))
    pattern = re.compile(rf"(?:.*[_-])?(?:{_SPLITS[split]})(?:-v[0-9.]+)?(?:{endings})(?:\.gz)?")
    found = sorted(path for path in folder.iterdir() if pattern.fullmatch(path.name))
    halves = [half for path in found for half in _HALVES if re.search(rf"\b{half}{split}\b", path.name)]
    if len(found) > 1 and halves != [*_HALVES]:
        raise UserError(f"{folder}: {found[0].name} and {found[1].name} are both its {split}; leave one of them")
    return found


def _read(file: Path) -> list[LabelledExample]:
    """The labelled examples; none when the file has no labels, as the test files of GLUE have none."""
    answers: dict[str, int] | None = None
    examples: list[LabelledExample] = []
    for number, record in enumerate(_records(file), 1):
        try:
            if "candidates" in record and "content" in record:
                answers = _answers_beside(file) if answers is None else answers
                examples += of_chid(record, answers)
            elif example := example_of(record):
                examples.append(example)
        except _WRONG as error:
            raise UserError(f"{file}: record {number}: {error}; fields: {', '.join(map(str, record))}") from None
    return [] if all(example.has_empty_target for example in examples) else examples


def _answers_beside(file: Path) -> dict[str, int]:
    """CHID's train_answer.json for train.json: blank -> place of its candidate. None of a split without it."""
    name, dot, endings = file.name.partition(".")
    places = (file.with_name(f"{name}_answer{dot}{ending}") for ending in (endings, endings.removesuffix(".gz")))
    beside = next((place for place in places if place.is_file()), None)
    return dict(_whole(_text_of(beside))) if beside else {}


def _records(file: Path) -> list[Record]:
    try:
        text = _text_of(file)
        return _table(text) if ".tsv" in file.suffixes else _json(text)
    except (OSError, *_WRONG, EOFError, zlib.error, RecursionError) as error:
        raise UserError(f"{file}: cannot be read ({error}); expected are JSON, JSON lines or .tsv in UTF-8") from None


def _text_of(file: Path) -> str:
    content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    return content.decode("utf-8-sig")


def _table(text: str) -> list[Record]:
    """GLUE's: columns between tabs, nothing is quoted."""
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter="\t", quoting=csv.QUOTE_NONE))
    if not rows:
        return []
    headed = {name for names in TEXTS for name in names} & set(rows[0])
    names, rows = (rows[0], rows[1:]) if headed else (list(_COLA), rows)
    return [dict(zip(names, row, strict=False)) for row in rows]


def _whole(text: str) -> Any:
    """One JSON value, or a list of those in the lines."""
    try:
        return json.loads(text)
    except ValueError:
        return [json.loads(line) for line in text.split("\n") if line.strip()]


def _json(text: str) -> list[Record]:
    """A list or a table of records, SQuAD's tree, C3's lists, or a record a line."""
    whole = _whole(text)
    if isinstance(whole, dict) and "data" in whole:
        return list(of_tree(whole))
    if isinstance(whole, dict) and whole and all(isinstance(value, dict) for value in whole.values()):
        return list(whole.values())  # by their names, as IMCS has them
    records: list[Any] = whole if isinstance(whole, list) else [whole]
    if records and all(isinstance(record, list) for record in records):
        return list(of_c3(records))
    if not all(isinstance(record, dict) for record in records):
        raise ValueError("a record is no JSON object")
    return records


def _standard_terms(folder: Path) -> Iterable[str]:
    """CHIP-CDN's ICD-10: the second column of the one .xlsx in the folder; beside it only terms of the examples."""
    files = sorted(folder.glob("*.xlsx"))
    if len(files) != 1:
        raise UserError(
            f"{folder}: holds {len(files)} .xlsx, and one with the standard terms (CHIP-CDN's ICD-10) is wanted"
        )
    try:
        from openpyxl import load_workbook
    except ImportError:
        raise UserError(f"{files[0]}: is read by openpyxl; pip install 'electra-pretraining[evaluate]'") from None
    try:
        sheet = load_workbook(files[0], read_only=True).worksheets[0]
        return {str(name) for (name,) in sheet.iter_rows(min_col=2, max_col=2, values_only=True) if name}
    except Exception as error:  # openpyxl names no errors of its own, and raises those of zipfile and of XML
        raise UserError(f"{files[0]}: cannot be read ({error}); its second column is to hold the terms") from None
