"""Tasks as they are published: the fields of GLUE, CLUE, CBLUE and CMRC, with invented text."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from configs.errors import UserError
from pretrain.finetune.layouts import Answer, Example, read_task


def write(folder: Path, **files: Any) -> Path:
    """`train_tsv="..."` is train.tsv; lists are JSON lines, dictionaries one value."""
    for name, content in files.items():
        stem, _, ending = name.rpartition("_")
        text = content
        if isinstance(content, list):
            text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in content)
        elif isinstance(content, dict):
            text = json.dumps(content, ensure_ascii=False)
        (folder / f"{stem}.{ending}").write_text(text, encoding="utf-8")
    return folder


def tsv(*rows: str) -> str:
    return "".join(row.replace(" | ", "\t") + "\n" for row in rows)


GLUE = {
    "CoLA": (
        ("gj04 | 1 |  | Kim left.", "cj99 | 0 | * | Left did Kim."),
        [Example("Kim left.", None, (), "1"), Example("Left did Kim.", None, (), "0")],
    ),
    "SST-2": (("sentence | label", 'a "fine" film | 1'), [Example('a "fine" film', None, (), "1")]),
    "MRPC": (
        ("Quality | #1 ID | #2 ID | #1 String | #2 String", "1 | 7 | 8 | One. | Two."),
        [Example("One.", "Two.", (), "1")],
    ),
    "QQP": (
        ("id | qid1 | qid2 | question1 | question2 | is_duplicate", "0 | 1 | 2 | Why? | How? | 0"),
        [Example("Why?", "How?", (), "0")],
    ),
    "MNLI": (
        (
            "index | promptID | sentence1_binary_parse | sentence1 | sentence2 | label1 | gold_label",
            "0 | 3 | ( a ) | It rains. | It is wet. | neutral | entailment",
        ),
        [Example("It rains.", "It is wet.", (), "entailment")],
    ),
    "QNLI": (
        ("index | question | sentence | label", "0 | Who? | He did. | not_entailment"),
        [Example("Who?", "He did.", (), "not_entailment")],
    ),
    "STS-B": (
        ("index | genre | sentence1 | sentence2 | score", "0 | news | A man. | A boy. | 3.800"),
        [Example("A man.", "A boy.", (), 3.8)],
    ),
}


@pytest.mark.parametrize("name", GLUE)
def test_glue(name: str, tmp_path: Path) -> None:
    rows, expected = GLUE[name]
    dev = "dev_matched_tsv" if name == "MNLI" else "dev_tsv"
    # The test files have no labels.
    write(tmp_path, train_tsv=tsv(*rows), test_tsv=tsv("index | sentence", "0 | text"), **{dev: tsv(*rows)})
    task = read_task(tmp_path)
    assert task.train == task.held_out == expected
    assert (task.split, task.kind) == ("dev", "number" if name == "STS-B" else "classes")


JSON = {
    "afqmc": ({"sentence1": "能贷吗", "sentence2": "可以贷吗", "label": "1"}, Example("能贷吗", "可以贷吗", (), "1")),
    "tnews": (
        {"label": "102", "label_desc": "news", "sentence": "新书", "keywords": ""},
        Example("新书", None, (), "102"),
    ),
    "ocnli": (
        {"level": "easy", "sentence1": "甲", "sentence2": "乙", "label": "neutral"},
        Example("甲", "乙", (), "neutral"),
    ),
    "csl": ({"id": 1, "abst": "摘要", "keyword": ["水", "火"], "label": "0"}, Example("摘要", "水, 火", (), "0")),
    "KUAKE-QIC": (
        {"id": "s1", "query": "头痛怎么办", "label": "治疗方案"},
        Example("头痛怎么办", None, (), "治疗方案"),
    ),
    "KUAKE-QTR": ({"id": "s1", "query": "头痛", "title": "偏头痛", "label": "2"}, Example("头痛", "偏头痛", (), "2")),
    "KUAKE-QQR": ({"id": "s1", "query1": "头痛", "query2": "头疼", "label": "2"}, Example("头痛", "头疼", (), "2")),
    "CHIP-STS": (
        {"id": "1", "text1": "甲", "text2": "乙", "label": "0", "category": "x"},
        Example("甲", "乙", (), "0"),
    ),
    "CHIP-CTC": ({"id": "s1", "label": "Age", "text": "年满18岁"}, Example("年满18岁", None, (), "Age")),
    "ours": ({"text": "a", "text_pair": "b", "label": 1}, Example("a", "b", (), "1")),
    "tags": ({"tokens": ["a", "b"], "tags": ["X", "Y"]}, Example("", None, ("a", "b"), ("X", "Y"))),
    "cluener": (
        {"text": "王五在京", "label": {"name": {"王五": [[0, 1]]}, "address": {"京": [[3, 3]]}}},
        Example("", None, tuple("王五在京"), ("B-name", "I-name", "O", "B-address")),
    ),
    "CMeEE": (
        {
            "text": "支气管炎",
            "entities": [
                {"start_idx": 0, "end_idx": 2, "type": "bod", "entity": "支气管"},
                {"start_idx": 0, "end_idx": 3, "type": "dis", "entity": "支气管炎"},
            ],
        },
        Example("", None, tuple("支气管炎"), ("B-dis", "I-dis", "I-dis", "I-dis")),
    ),
    "ours, questions": (
        {"question": "谁?", "context": "是我。", "answers": [{"text": "我", "answer_start": 1}]},
        Example("谁?", "是我。", (), (Answer("我", 1),)),
    ),
}


@pytest.mark.parametrize("name", JSON)
@pytest.mark.parametrize("lines", [True, False])
def test_json(name: str, lines: bool, tmp_path: Path) -> None:
    """As CLUE publishes them, a record a line, or as CBLUE does, in one list."""
    record, expected = JSON[name]
    unlabelled = {key: value for key, value in record.items() if key not in ("label", "entities", "tags", "answers")}
    for split, content in (("train", [record, record]), ("dev", [record]), ("test", [unlabelled])):
        text = "\n".join(map(json.dumps, content)) if lines else json.dumps(content, indent=1)
        (tmp_path / f"{name}_{split}.json").write_text(text, encoding="utf-8")
    task = read_task(tmp_path)
    assert task.train == [expected, expected]
    assert task.held_out == [expected]


def test_cmrc(tmp_path: Path) -> None:
    paragraph = {
        "id": "TRIAL_1",
        "context": "元大都建于十三世纪。",
        "qas": [
            {
                "question": "何时建成？",
                "id": "TRIAL_1_QUERY_0",
                "answers": [{"text": "十三世纪", "answer_start": 5}, {"text": "十三世纪。", "answer_start": 5}],
            }
        ],
    }
    whole = {"version": "v1.0", "data": [{"title": "TRIAL_1", "id": "TRIAL_1", "paragraphs": [paragraph]}]}
    task = read_task(write(tmp_path, cmrc2018_train_json=whole, cmrc2018_dev_json=whole))
    answers = (Answer("十三世纪", 5), Answer("十三世纪。", 5))
    assert task.held_out == [Example("何时建成？", "元大都建于十三世纪。", (), answers)]
    assert task.kind == "spans"


def test_a_labelled_test_file_is_what_is_held_out_and_classes_are_those_of_both(tmp_path: Path) -> None:
    files = {split: [{"text": split, "label": split}] for split in ("train", "dev", "test")}
    write(tmp_path, **{f"{split}_jsonl": records for split, records in files.items()})
    (tmp_path / "train.jsonl").rename(tmp_path / "plain")
    (tmp_path / "train.jsonl.gz").write_bytes(gzip.compress((tmp_path / "plain").read_bytes()))
    task = read_task(tmp_path)
    assert (task.split, [example.text for example in task.held_out]) == ("test", ["test"])
    assert task.labels == ("test", "train")


def test_pairs_that_nobody_agreed_on_are_left_out(tmp_path: Path) -> None:
    pairs = [{"sentence1": "a", "sentence2": "b", "label": label} for label in ("neutral", "-", "entailment")]
    assert [e.target for e in read_task(write(tmp_path, train_json=pairs, dev_json=pairs)).train] == [
        "neutral",
        "entailment",
    ]


REFUSED = {
    "holds labelled examples of nothing": {},
    "holds labelled examples of train, and a task has": {"train_jsonl": [{"text": "a", "label": "b"}]},
    "record 1: none of its fields is a text that is known; fields: body, label": {
        "train_jsonl": [{"body": "a", "label": "b"}]
    },
    "record 2: 2 tokens and 1 tags": {
        "train_jsonl": [{"tokens": ["a"], "tags": ["b"]}, {"tokens": ["a", "b"], "tags": ["b"]}]
    },
    "record 1: the entity '王五' is not at character 1": {
        "train_json": [{"text": "王五在京", "label": {"name": {"王五": [[1, 2]]}}}]
    },
    "record 1: could not convert string to float": {"train_tsv": "sentence1\tsentence2\tscore\na\tb\tmuch\n"},
    "train.json and train.jsonl are both its train": {"train_json": [{}], "train_jsonl": [{}]},
    "cannot be read": {"train_jsonl": "{not json}"},
    "mixes examples of several kinds: classes, tags": {
        "train_jsonl": [{"text": "a", "label": "b"}],
        "dev_jsonl": [{"tokens": ["a"], "tags": ["b"]}],
    },
    "a question without an answer": {"train_jsonl": [{"question": "a", "context": "b", "answers": []}]},
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_what_is_no_task_is_refused(sentence: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as refusal:
        read_task(write(tmp_path, **REFUSED[sentence]))
    assert sentence in str(refusal.value)
    with pytest.raises(UserError, match="no such folder"):
        read_task(tmp_path / "nowhere")
