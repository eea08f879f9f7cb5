"""The files of a split are recognised by their names, and every format gives the same records."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from configs.common.errors import UserError
from pretrain.evaluation.tasks.reading.files import files_of, reason, records_of

RECORDS = [{"sentence": "今天 晴", "label": "好"}, {"sentence": "a", "label": "b"}]
TEXTS = {
    "train.json": json.dumps(RECORDS),
    "train.jsonl": "\n".join(json.dumps(record, ensure_ascii=False) for record in RECORDS),
    "named.json": json.dumps({"one": RECORDS[0], "two": RECORDS[1]}),
    "data.json": json.dumps({"data": RECORDS}),
    "train.csv": "sentence,label\n今天 晴,好\na,b\n",
    "train.tsv": "sentence\tlabel\n今天 晴\t好\na\tb\n",
}


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("is_compressed", [False, True])
def test_every_format_gives_the_same_records(name: str, is_compressed: bool, tmp_path: Path) -> None:
    content = TEXTS[name].encode("utf-8-sig")
    file = tmp_path / (f"{name}.gz" if is_compressed else name)
    file.write_bytes(gzip.compress(content) if is_compressed else content)
    assert records_of(file) == RECORDS


def test_parquet_gives_the_same_records(tmp_path: Path) -> None:
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(RECORDS), tmp_path / "train.parquet")
    assert records_of(tmp_path / "train.parquet") == RECORDS


@pytest.mark.parametrize(
    ("split", "names"),
    [
        ("train", ["KUAKE-QIC_train.json"]),
        ("train", ["train-v2.0.json"]),
        ("train", ["train-00000-of-00002.parquet", "train-00001-of-00002.parquet"]),
        ("dev", ["dev_matched.tsv"]),
        ("dev", ["c3-d-dev.json", "c3-m-dev.json"]),
        ("test", ["Test.CSV.gz"]),
        ("test", []),
    ],
)
def test_a_split_is_recognised_by_its_name(split: str, names: list[str], tmp_path: Path) -> None:
    for name in (*names, "readme.md", ".train.json", "retrain.json", "dev.json.bak", "labels.txt"):
        (tmp_path / name).touch()
    assert [file.name for file in files_of(tmp_path, split)] == names


def test_two_files_of_a_split_are_refused(tmp_path: Path) -> None:
    for name in ("dev.json", "valid.csv"):
        (tmp_path / name).touch()
    with pytest.raises(UserError, match=r"dev.json and valid.csv are both its dev; leave one of them"):
        files_of(tmp_path, "dev")


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("train.json", b"[1]", r"a record is no JSON object\); expected is JSON, or a JSON object in each line, in"),
        ("train.json", b"version https://git-lfs.github.com/spec/v1", "it is a pointer of Git LFS"),
        ("train.csv", "今".encode("gbk"), r"; save it in UTF-8"),
        ("train.csv.gz", b"text", r"expected is a table with a header in UTF-8"),
    ],
)
def test_a_file_that_cannot_be_parsed_is_refused(name: str, content: bytes, sentence: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=rf"{name}: cannot be read .*{sentence}"):
        records_of(tmp_path / name)


def test_a_reason_says_what_the_exception_only_names() -> None:
    assert reason(KeyError("label")) == "there is no field 'label'"
    assert reason(TypeError("x")) == "a field is of another type than expected: x"
    assert reason(ValueError("two\n  lines")) == "two lines"


@pytest.mark.parametrize("blank", ["\n", "\r\n", " \n"])
def test_a_blank_line_does_not_make_words_of_texts(blank: str, tmp_path: Path) -> None:
    texts, words = ("a fine film", "so bad"), ("fine", "film")
    for name, cells in (("texts", texts), ("words", words)):
        rows = [f"{cell}\t{label}\n" for cell, label in zip(cells, "xy", strict=True)]
        (tmp_path / f"{name}.tsv").write_text("text\tlabel\n" + blank.join(rows), newline="")
    assert records_of(tmp_path / "texts.tsv") == [
        {"text": "a fine film", "label": "x"},
        {"text": "so bad", "label": "y"},
    ]
    if blank == "\n":
        assert records_of(tmp_path / "words.tsv") == [
            {"tokens": ["fine"], "tags": ["x"]},
            {"tokens": ["film"], "tags": ["y"]},
        ]
    (tmp_path / "chinese.tsv").write_text("text\tlabel\n" + "今天天气很好我们去公园散步吧\t好\n\n" * 2)
    assert records_of(tmp_path / "chinese.tsv")[0]["label"] == "好"


@pytest.mark.parametrize(
    "record", ['{"text": "a \\ud83d", "label": "b"}', '{"tokens": ["a", "\\ude00"], "tags": ["b", "c"]}']
)
def test_half_of_a_character_is_refused(record: str, tmp_path: Path) -> None:
    """As where a post was cut in the middle of an emoji."""
    (tmp_path / "train.jsonl").write_text('{"text": "good", "label": "b"}\n' + record)
    with pytest.raises(UserError, match=r"train\.jsonl: cannot be read \(record 2 holds half of a surrogate pair"):
        records_of(tmp_path / "train.jsonl")
