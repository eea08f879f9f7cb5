"""Tasks as they are published: the fields of GLUE, CLUE, CBLUE and CMRC, with invented text."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from configs.common.errors import UserError
from pretrain.evaluation.tasks.reading.folders import read_task
from pretrain.evaluation.tasks.reading.task import (
    Answer,
    Answers,
    Choice,
    LabelledExample,
    Relation,
    Relations,
    Tags,
    Task,
    Terms,
)


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
        [LabelledExample("Kim left.", None, (), "1"), LabelledExample("Left did Kim.", None, (), "0")],
    ),
    "SST-2": (("sentence | label", 'a "fine" film | 1'), [LabelledExample('a "fine" film', None, (), "1")]),
    "MRPC": (
        ("Quality | #1 ID | #2 ID | #1 String | #2 String", "1 | 7 | 8 | One. | Two."),
        [LabelledExample("One.", "Two.", (), "1")],
    ),
    "QQP": (
        ("id | qid1 | qid2 | question1 | question2 | is_duplicate", "0 | 1 | 2 | Why? | How? | 0"),
        [LabelledExample("Why?", "How?", (), "0")],
    ),
    "MNLI": (
        (
            "index | promptID | sentence1_binary_parse | sentence1 | sentence2 | label1 | gold_label",
            "0 | 3 | ( a ) | It rains. | It is wet. | neutral | entailment",
        ),
        [LabelledExample("It rains.", "It is wet.", (), "entailment")],
    ),
    "QNLI": (
        ("index | question | sentence | label", "0 | Who? | He did. | not_entailment"),
        [LabelledExample("Who?", "He did.", (), "not_entailment")],
    ),
    "STS-B": (
        ("index | genre | sentence1 | sentence2 | score", "0 | news | A man. | A boy. | 3.800"),
        [LabelledExample("A man.", "A boy.", (), 3.8)],
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
    "afqmc": (
        {"sentence1": "能贷吗", "sentence2": "可以贷吗", "label": "1"},
        LabelledExample("能贷吗", "可以贷吗", (), "1"),
    ),
    "tnews": (
        {"label": "102", "label_desc": "news", "sentence": "新书", "keywords": ""},
        LabelledExample("新书", None, (), "102"),
    ),
    "ocnli": (
        {"level": "easy", "sentence1": "甲", "sentence2": "乙", "label": "neutral"},
        LabelledExample("甲", "乙", (), "neutral"),
    ),
    "csl": (
        {"id": 1, "abst": "摘要", "keyword": ["水", "火"], "label": "0"},
        LabelledExample("摘要", "水, 火", (), "0"),
    ),
    "KUAKE-QIC": (
        {"id": "s1", "query": "头痛怎么办", "label": "治疗方案"},
        LabelledExample("头痛怎么办", None, (), "治疗方案"),
    ),
    "KUAKE-QTR": (
        {"id": "s1", "query": "头痛", "title": "偏头痛", "label": "2"},
        LabelledExample("头痛", "偏头痛", (), "2"),
    ),
    "KUAKE-QQR": (
        {"id": "s1", "query1": "头痛", "query2": "头疼", "label": "2"},
        LabelledExample("头痛", "头疼", (), "2"),
    ),
    "CHIP-STS": (
        {"id": "1", "text1": "甲", "text2": "乙", "label": "0", "category": "x"},
        LabelledExample("甲", "乙", (), "0"),
    ),
    "CHIP-CTC": ({"id": "s1", "label": "Age", "text": "年满18岁"}, LabelledExample("年满18岁", None, (), "Age")),
    "ours": ({"text": "a", "text_pair": "b", "label": 1}, LabelledExample("a", "b", (), "1")),
    "tags": ({"tokens": ["a", "b"], "tags": ["X", "Y"]}, LabelledExample("", None, ("a", "b"), Tags(("X", "Y")))),
    "cluener": (
        {"text": "王五在京", "label": {"name": {"王五": [[0, 1]]}, "address": {"京": [[3, 3]]}}},
        LabelledExample("", None, tuple("王五在京"), Tags(("B-name", "I-name", "O", "B-address"))),
    ),
    "CMeEE": (
        {
            "text": "支气管炎",
            "entities": [
                {"start_idx": 0, "end_idx": 2, "type": "bod", "entity": "支气管"},
                {"start_idx": 0, "end_idx": 3, "type": "dis", "entity": "支气管炎"},
            ],
        },
        LabelledExample("", None, tuple("支气管炎"), Tags(("B-dis", "I-dis", "I-dis", "I-dis"))),
    ),
    "CLUEWSC2020": (
        {
            "target": {"span2_index": 5, "span1_index": 0, "span1_text": "小李", "span2_text": "他"},
            "idx": 7,
            "label": "true",
            "text": "小李病了，他没来。",
        },
        LabelledExample("_小李_病了，[他]没来。", None, (), "true"),
    ),
    "CLUEWSC2020, the pronoun first": (
        {
            "target": {"span2_index": 1, "span1_index": 4, "span1_text": "小李", "span2_text": "他"},
            "label": "false",
            "text": "当他来时小李走了。",
        },
        LabelledExample("当[他]来时_小李_走了。", None, (), "false"),
    ),
    "CMeIE": (
        {
            "text": "肺炎可用青霉素",
            "spo_list": [
                {
                    "Combined": False,
                    "predicate": "药物治疗",
                    "subject": "肺炎",
                    "subject_type": "疾病",
                    "object": {"@value": "青霉素"},
                    "object_type": {"@value": "药物"},
                }
            ],
        },
        LabelledExample("", None, tuple("肺炎可用青霉素"), Relations((Relation("肺炎", "药物治疗", "青霉素"),))),
    ),
    "ours, choices": (
        {"text": "a", "text_pair": "b", "choices": ["x", "y"], "label": "y"},
        LabelledExample("a", "b", (), Choice(("x", "y"), 1)),
    ),
    "ours, questions": (
        {"question": "谁?", "context": "是我。", "answers": [{"text": "我", "answer_start": 1}]},
        LabelledExample("谁?", "是我。", (), Answers((Answer("我", 1),))),
    ),
}


UNLABELLED = ("label", "entities", "tags", "answers", "spo_list")


@pytest.mark.parametrize("name", JSON)
@pytest.mark.parametrize("lines", [True, False])
def test_json(name: str, lines: bool, tmp_path: Path) -> None:
    """As CLUE publishes them, a record a line, or as CBLUE does, in one list."""
    record, expected = JSON[name]
    unlabelled = {key: value for key, value in record.items() if key not in UNLABELLED}
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
    assert task.held_out == [LabelledExample("何时建成？", "元大都建于十三世纪。", (), Answers(answers))]
    assert task.kind == "spans"


def squad(context: str, *questions: dict[str, Any]) -> dict[str, Any]:
    return {"version": "x", "data": [{"title": "t", "paragraphs": [{"context": context, "qas": [*questions]}]}]}


def test_drcd(tmp_path: Path) -> None:
    """SQuAD's tree in traditional characters, under DRCD's names."""
    question = {"id": "1001-10-1", "question": "誰?", "answers": [{"id": "1", "text": "我", "answer_start": 1}]}
    whole = squad("是我。", question)
    task = read_task(write(tmp_path, DRCD_training_json=whole, DRCD_dev_json=whole, DRCD_test_json=whole))
    assert task.held_out == [LabelledExample("誰?", "是我。", (), Answers((Answer("我", 1),)))]
    assert task.split == "test"


def test_squad_2_has_questions_without_an_answer(tmp_path: Path) -> None:
    labelled_record = {
        "id": "1",
        "question": "Who?",
        "answers": [{"text": "me", "answer_start": 6}],
        "is_impossible": False,
    }
    plausible = [{"text": "me", "answer_start": 6}]
    unknown = {"id": "2", "question": "Why?", "answers": [], "plausible_answers": plausible, "is_impossible": True}
    whole = squad("It is me.", labelled_record, unknown)
    write(tmp_path, x_json=whole)
    for name in ("train-v2.0.json", "dev-v2.0.json"):
        (tmp_path / "x.json").with_name(name).write_bytes((tmp_path / "x.json").read_bytes())
    answers = [example.target for example in read_task(tmp_path).train]
    assert answers == [Answers((Answer("me", 6),)), Answers(())]


def test_test_files_whose_answers_were_taken_out_are_none(tmp_path: Path) -> None:
    """No answers at all, no place for one (CMRC), no relations."""
    right = {"id": "1", "question": "a", "answers": [{"text": "b", "answer_start": 0}]}
    for answers in ([], [{"text": "FAKE", "answer_start": -1}]):
        write(tmp_path, train_json=squad("b", right), dev_json=squad("b", right))
        write(tmp_path, test_json=squad("b", right | {"answers": answers}))
        assert read_task(tmp_path).split == "dev"
    (tmp_path / "test.json").unlink()
    labelled_record = {"text": "ab", "spo_list": [{"subject": "a", "predicate": "p", "object": {"@value": "b"}}]}
    files = {f"{split}_jsonl": [labelled_record] for split in ("train", "dev")}
    for split in ("train", "dev"):
        (tmp_path / f"{split}.json").unlink()
    write(tmp_path, **files, test_jsonl=[{"text": "ab", "spo_list": []}])
    task = read_task(tmp_path)
    assert (task.split, task.kind, task.labels) == ("dev", "relations", ("p",))


C3 = [
    [["男：下雨了。", "女：带伞。"], [{"question": "天气?", "choice": ["晴", "雨"], "answer": "雨"}], "25-35"],
    [["一段话。"], [{"question": "谁?", "choice": ["我", "你", "他"], "answer": "我"}], "m13-77"],
]


def test_c3(tmp_path: Path) -> None:
    """Two files a split, of dialogues and of monologues, in the order of their names; CLUE's test has no answers."""
    for name, records in (("c3-d-train", C3[:1]), ("c3-m-train", C3[1:]), ("d-dev", C3[:1]), ("m-dev", C3[1:])):
        (tmp_path / f"{name}.json").write_text(json.dumps(records), encoding="utf-8")
    bare = [[text, [{key: q[key] for key in ("question", "choice")} for q in asked], name] for text, asked, name in C3]
    (tmp_path / "test1.0.json").write_text(json.dumps(bare), encoding="utf-8")
    task = read_task(tmp_path)
    expected = [
        LabelledExample("男：下雨了。\n女：带伞。", "天气?", (), Choice(("晴", "雨"), 1)),
        LabelledExample("一段话。", "谁?", (), Choice(("我", "你", "他"), 0)),
    ]
    assert task.train == task.held_out == expected
    assert (task.kind, task.labels, task.split) == ("choices", ("0", "1", "2"), "dev")


@pytest.mark.parametrize("compressed", [False, True])
def test_chid(compressed: bool, tmp_path: Path) -> None:
    """Each blank is an example; the answers are in another file, and the test file has none."""
    record = {
        "candidates": ["一心一意", "三心二意"],
        "content": ["他#idiom000001#，她#idiom000002#。", "别#idiom000003#!"],
    }
    answers = {"#idiom000001#": 1, "#idiom000002#": 0, "#idiom000003#": 1}
    for split in ("train", "dev", "test"):
        contents = {split: record} | ({} if split == "test" else {f"{split}_answer": answers})
        for name, content in contents.items():
            text = json.dumps(content, ensure_ascii=False).encode()
            file = tmp_path / f"{name}.json{'.gz' * compressed}"
            file.write_bytes(gzip.compress(text) if compressed else text)
    options, four = ("一心一意", "三心二意"), "[MASK]" * 4
    task = read_task(tmp_path)
    assert (
        task.train
        == task.held_out
        == [
            LabelledExample(f"他[MASK]，她{four}。", None, (), Choice(options, 1, blank=1)),
            LabelledExample(f"他{four}，她[MASK]。", None, (), Choice(options, 0, blank=27)),
            LabelledExample("别[MASK]!", None, (), Choice(options, 1, blank=1)),
        ]
    )
    assert task.split == "dev"


def chip_cdn(folder: Path) -> Task:
    records = [
        {"text": "右乳腺癌IV期", "normalized_result": "乳腺恶性肿瘤##癌"},
        {"text": "高血压2级", "normalized_result": '"高血压"'},
    ]
    for split in ("train", "dev"):
        (folder / f"CHIP-CDN_{split}.json").write_text(json.dumps(records), encoding="utf-8")
    bare = [{"text": record["text"], "normalized_result": ""} for record in records]
    (folder / "CHIP-CDN_test.json").write_text(json.dumps(bare), encoding="utf-8")
    return read_task(folder)


def test_chip_cdn(tmp_path: Path) -> None:
    """The terms are the second column of a workbook, and those of the examples."""
    with pytest.raises(UserError, match=r"holds 0 \.xlsx, and one with the standard terms"):
        chip_cdn(tmp_path)
    book = Workbook()
    for row in (("A00.000x001", "霍乱"), ("I10.x00", "高血压")):
        book.worksheets[0].append(row)
    book.save(tmp_path / "国际疾病分类 ICD-10北京临床版v601.xlsx")
    task = chip_cdn(tmp_path)
    assert task.held_out == [
        LabelledExample("右乳腺癌IV期", None, (), Terms(("乳腺恶性肿瘤", "癌"))),
        LabelledExample("高血压2级", None, (), Terms(("高血压",))),
    ]
    assert (task.kind, task.labels) == ("terms", ("乳腺恶性肿瘤", "癌", "霍乱", "高血压"))
    (tmp_path / "国际疾病分类 ICD-10北京临床版v601.xlsx").write_text("A00, 霍乱")
    with pytest.raises(UserError, match=r"\.xlsx: cannot be read .* its second column is to hold the terms"):
        chip_cdn(tmp_path)


def test_chip_cdn_as_paddlenlp_publishes_it(tmp_path: Path) -> None:
    table = tsv("text_a | text_b | label", "右乳腺癌IV期 | 癌 | 1", "右乳腺癌IV期 | 霍乱 | 0")
    task = read_task(write(tmp_path, train_tsv=table, dev_tsv=table))
    assert task.held_out[1] == LabelledExample("右乳腺癌IV期", "霍乱", (), "0")


def test_a_labelled_test_file_is_held_out_and_a_class_may_be_new_in_it(tmp_path: Path) -> None:
    splits = ("train", "dev", "test")
    files = {split: [{"text": split, "label": label} for label in ("a", split)] for split in splits}
    write(tmp_path, **{f"{split}_jsonl": records for split, records in files.items()})
    (tmp_path / "train.jsonl").rename(tmp_path / "plain")
    (tmp_path / "train.jsonl.gz").write_bytes(gzip.compress((tmp_path / "plain").read_bytes()))
    task = read_task(tmp_path)
    assert (task.split, [example.text for example in task.held_out]) == ("test", ["test", "test"])
    assert task.labels == ("a", "test", "train")
    assert any("1 of 2 examples have labels that train never shows (test)" in note for note in task.notes)


def test_pairs_that_nobody_agreed_on_are_left_out(tmp_path: Path) -> None:
    pairs = [{"sentence1": "a", "sentence2": "b", "label": label} for label in ("neutral", "-", "entailment")]
    assert [e.target for e in read_task(write(tmp_path, train_json=pairs, dev_json=pairs)).train] == [
        "neutral",
        "entailment",
    ]


REFUSED = {
    "holds labelled examples of nothing": {},
    "holds labelled examples of train, and a task has": {"train_jsonl": [{"text": "a", "label": "b"}]},
    "record 1: none of its fields is a text that is known; name one text, or two": {
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
    "mixes examples of several kinds: labels of texts, tags of words": {
        "train_jsonl": [{"text": "a", "label": "b"}],
        "dev_jsonl": [{"tokens": ["a"], "tags": ["b"]}],
    },
    "holds labelled examples of nothing, and": {"train_jsonl": [{"question": "a", "context": "b", "answers": []}]},
    "record 1: '小李' is not at character 1 of its text": {
        "train_json": [
            {
                "target": {"span1_index": 1, "span1_text": "小李", "span2_index": 5, "span2_text": "他"},
                "text": "小李病了，他没来。",
                "label": "true",
            }
        ]
    },
    "record 1: 'z' is none of its 2 choices": {"train_jsonl": [{"text": "a", "choices": ["x", "y"], "label": "z"}]},
    "record 1: holds dialogues, as in IMCS, which are not read": {
        "IMCS_train_json": {"10": {"dialogue": [{"sentence": "a", "dialogue_act": "b"}]}}
    },
    "record 1: holds events, as in CHIP-CDEE, which are not read": {"train_json": [{"text": "a", "event": []}]},
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_what_is_no_task_is_refused(sentence: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as refusal:
        read_task(write(tmp_path, **REFUSED[sentence]))
    assert sentence in str(refusal.value)
    with pytest.raises(UserError, match="no such folder"):
        read_task(tmp_path / "nowhere")
