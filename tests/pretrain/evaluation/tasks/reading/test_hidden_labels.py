"""Every kind of task x every mark of a missing label x every format: the split that has labels is scored."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from openpyxl import Workbook

from pretrain.evaluation.tasks.reading.folders import read_task

Rows = list[dict[str, Any]]
ABSENT = object()
MARKS = {
    "-1": -1,
    "-1 as text": "-1",
    "-1.0": -1.0,
    "-1.0 as text": "-1.0",
    "unknown": "unknown",
    "NaN": float("nan"),
    "null": None,
    "absent": ABSENT,
    "empty": "",
    "one constant": "FAKE",
}


def texts(number: int) -> Rows:
    return [{"text": f"text {place}", "label": ("yes", "no", "maybe")[place % 3]} for place in range(number)]


def numbered(number: int) -> Rows:
    return [{"sentence": f"text {place}", "label": place % 2} for place in range(number)]


def pairs(number: int) -> Rows:
    return [{"sentence1": f"a {n}", "sentence2": "b", "label": ("yes", "no")[n % 2]} for n in range(number)]


def similarities(number: int) -> Rows:
    return [{"sentence1": f"a {n}", "sentence2": "b", "label": n % 11 / 2} for n in range(number)]


def scores(number: int) -> Rows:
    return [{"sentence1": f"a {n}", "sentence2": "b", "score": n % 11 / 2} for n in range(number)]


def label_lists(number: int) -> Rows:
    return [{"text": f"text {n}", "labels": [["law"], ["ward", "law"], []][n % 3]} for n in range(number)]


def one_hot(number: int) -> Rows:
    return [{"text": f"text {n}", "label": [[1, 0, 0], [0, 1, 1], [0, 0, 1]][n % 3]} for n in range(number)]


def choices(number: int) -> Rows:
    return [{"text": f"text {n}", "choices": ["one", "two", "three"], "label": n % 3} for n in range(number)]


def tags(number: int) -> Rows:
    return [{"tokens": ["the", "nurse", str(n)], "ner_tags": ["O", "B-PER", "O"]} for n in range(number)]


def questions(number: int) -> Rows:
    answers = [{"text": ["nurse"], "answer_start": [4]}, {"text": [], "answer_start": []}]
    return [{"question": f"who {n}", "context": "the nurse", "answers": answers[n % 2]} for n in range(number)]


def relations(number: int) -> Rows:
    spo = {"subject": "肺炎", "predicate": "用药", "object": {"@value": "药"}}
    return [{"text": f"肺炎用药{n}", "spo_list": [spo]} for n in range(number)]


def terms(number: int) -> Rows:
    return [{"text": f"text {n}", "normalized_result": ("cold##flu", "gout")[n % 2]} for n in range(number)]


def entities(number: int) -> Rows:
    return [{"text": "the nurse", "entities": [{"start_idx": 4, "entity": "nurse", "type": "PER"}]}] * number


KINDS: dict[Callable[[int], Rows], tuple[str, str]] = {
    texts: ("label", "classes"),
    numbered: ("label", "classes"),
    pairs: ("label", "classes"),
    similarities: ("label", "number"),
    scores: ("score", "number"),
    label_lists: ("labels", "multilabel"),
    one_hot: ("label", "multilabel"),
    choices: ("label", "choices"),
    tags: ("ner_tags", "tags"),
    questions: ("answers", "spans"),
    relations: ("spo_list", "relations"),
    terms: ("normalized_result", "terms"),
    entities: ("entities", "tags"),
}


def with_mark(rows: Rows, field: str, mark: Any, *, as_lists: bool) -> Rows:
    """The rows with a mark instead of the label, in a list of the label's length where `as_lists`."""
    if mark is ABSENT:
        return [{key: value for key, value in row.items() if key != field} for row in rows]
    return [
        row | {field: [mark] * len(row[field]) if as_lists and isinstance(row[field], list) else mark} for row in rows
    ]


def as_jsonl(rows: Rows) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def as_json(rows: Rows) -> bytes:
    return json.dumps(rows, indent=1).encode()


def as_json_with_a_byte_order_mark(rows: Rows) -> bytes:
    return b"\xef\xbb\xbf" + as_jsonl(rows)


def as_table(rows: Rows, **dialect: Any) -> bytes:
    out = io.StringIO(newline="")
    names = [*dict.fromkeys(name for row in rows for name in row)]
    writer = csv.DictWriter(out, names, **dialect)
    writer.writeheader()
    writer.writerows([{k: "nan" if isinstance(v, float) and v != v else v for k, v in row.items()} for row in rows])
    return out.getvalue().encode()


def as_csv(rows: Rows) -> bytes:
    return as_table(rows, quoting=csv.QUOTE_ALL)


def as_semicolons(rows: Rows) -> bytes:
    return as_table(rows, delimiter=";")


def as_tsv(rows: Rows) -> bytes:
    return as_table(rows, delimiter="\t")


def as_parquet(rows: Rows) -> bytes:
    out = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), out)
    return out.getvalue()


def as_columns(rows: Rows) -> bytes:
    """A word and its tag in each line; no tag where there is none."""
    sentences = []
    for row in rows:
        tags = row.get("ner_tags")
        tags = tags if isinstance(tags, list) else [tags] * len(row["tokens"])
        sentences.append("\n".join(f"{w} {t}" if t else w for w, t in zip(row["tokens"], tags, strict=True)))
    return ("-DOCSTART- -X- O O\n\n" + "\n\n".join(sentences) + "\n").encode()


JSON = {"train.jsonl": as_jsonl, "train.json": as_json, "TRAIN.JSONL": as_json_with_a_byte_order_mark}
TABLES = {"train.csv": as_csv, "my_train.csv": as_semicolons, "train.tsv": as_tsv}


def formats_of(kind: Callable[[int], Rows]) -> dict[str, Callable[[Rows], bytes]]:
    """The formats in which records of the kind can be written."""
    if kind in (texts, numbered, pairs, similarities, scores):
        return JSON | TABLES | {"train.parquet": as_parquet}
    if kind is tags:
        return JSON | {"train.conll": as_columns, "train.txt": as_columns, "train.parquet": as_parquet}
    return JSON | ({"train.csv": as_csv} if kind in (label_lists, one_hot) else {})


def cells() -> Iterator[Any]:
    for kind in KINDS:
        for name, write in formats_of(kind).items():
            for mark in MARKS:
                # A constant is a mark only where labels are names.
                if mark == "one constant" and kind not in (texts, pairs, tags):
                    continue
                yield pytest.param(kind, name, write, mark, id=f"{kind.__name__}-{name}-{mark}")


def put(folder: Path, name: str, write: Callable[[Rows], bytes], **splits: Rows) -> Path:
    for split, rows in splits.items():
        content = write(rows)
        is_packed = split == "test" and name == "train.jsonl"  # both in one folder
        file = folder / (name.lower().replace("train", split) + ".gz" * is_packed)
        file.write_bytes(gzip.compress(content) if is_packed else content)
    if "normalized_result" in splits["train"][0]:
        book = Workbook()
        for term in ("cold", "flu", "gout", "measles"):
            book.worksheets[0].append(["A00", term])
        book.save(folder / "terms.xlsx")
    return folder


@pytest.mark.parametrize(("kind", "name", "write", "mark"), cells())
def test_dev_is_scored_where_the_labels_of_test_are_hidden(
    kind: Callable[[int], Rows], name: str, write: Callable[[Rows], bytes], mark: str, tmp_path: Path
) -> None:
    field, expected = KINDS[kind]
    is_list = kind in (tags, one_hot) and (mark.startswith("-1") or mark == "one constant")
    if name.endswith("parquet") and kind is tags and not is_list:
        is_list = MARKS[mark] not in (None, ABSENT)  # a column has one type
    test = with_mark(kind(30), field, MARKS[mark], as_lists=is_list)
    if name.endswith("parquet"):
        test = [json.loads(json.dumps(row)) for row in test]
    task = read_task(put(tmp_path, name, write, train=kind(30), dev=kind(12), test=test))
    assert (task.split, task.kind, len(task.train), len(task.held_out)) == ("dev", expected, 30, 12)
    plain = put_plain(tmp_path, kind)
    assert task.labels == plain.labels and task.train == plain.train and task.held_out == plain.held_out
    summary = {split.name: (split.num_records, split.num_labelled) for split in task.summaries}
    assert summary["test"] == (30, 0)


def put_plain(folder: Path, kind: Callable[[int], Rows]) -> Any:
    """The same task in JSON lines, without a test file."""
    (folder / "plain").mkdir()
    return read_task(put(folder / "plain", "train.jsonl", as_jsonl, train=kind(30), dev=kind(12)))


@pytest.mark.parametrize("kind", [tags, entities, questions, relations, label_lists, one_hot])
def test_a_test_file_in_which_nothing_is_to_be_found_has_no_labels(kind: Any, tmp_path: Path) -> None:
    field, _ = KINDS[kind]
    nothing = {tags: ["O"] * 3, questions: {"text": [], "answer_start": []}, one_hot: [0, 0, 0]}.get(kind, [])
    test = [row | {field: nothing} for row in kind(30)]
    assert read_task(put(tmp_path, "train.jsonl", as_jsonl, train=kind(30), dev=kind(12), test=test)).split == "dev"


@pytest.mark.parametrize("kind", KINDS)
def test_a_test_file_with_labels_is_scored(kind: Any, tmp_path: Path) -> None:
    task = read_task(put(tmp_path, "train.jsonl", as_jsonl, train=kind(30), dev=kind(12), test=kind(13)))
    assert (task.split, len(task.held_out)) == ("test", 13)
