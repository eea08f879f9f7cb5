"""A file or a folder that holds another kind of vocabulary is refused by the name of that kind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from configs.common.errors import UserError
from configs.vocabulary.entries import read_entries, read_folder
from configs.vocabulary.kinds import refuse_folder, refuse_other_entries

OTHERS = {
    "sentencepiece table": ("<unk>\t0\n<s>\t0\n\u2581the\t-2.1\n", "is a SentencePiece table"),
    "sentencepiece entries": ("\u2581the\n\u2581of\na\n", "is a SentencePiece table"),
    "merges": ("#version: 0.2\n\u0120 t\n", "is a byte-pair (BPE) vocabulary"),
    "byte-pair entries": ("\u0120the\n\u0120of\na\n", "is a byte-pair (BPE) vocabulary"),
    "sentencepiece model": ("\x0a\x0e\x0a\x05<unk>\x00\x00", "is a SentencePiece model"),
    "binary": ("\x00\x01", "is a binary file"),
    "pointer": (
        "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
        "fetch the file with `git lfs pull`",
    ),
    "web page": ("<!DOCTYPE html><html>", "is a web page"),
}


@pytest.mark.parametrize("beside_a_model", [False, True])
@pytest.mark.parametrize("name", OTHERS)
def test_other_files_are_named(tmp_path: Path, name: str, *, beside_a_model: bool) -> None:
    content, sentence = OTHERS[name]
    (tmp_path / "vocab.txt").write_text(content)
    if beside_a_model:
        (tmp_path / "config.json").write_text("{}")
    with pytest.raises(UserError) as error:
        read_entries(tmp_path / "vocab.txt")
    assert sentence in str(error.value)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [("the".encode("utf-16"), "is UTF-16 text"), ("m\u00f6chte".encode("latin-1"), "is not UTF-8 text")],
)
def test_other_encodings_are_named(tmp_path: Path, content: bytes, sentence: str) -> None:
    (tmp_path / "vocab.txt").write_bytes(content)
    with pytest.raises(UserError, match=sentence):
        read_entries(tmp_path / "vocab.txt")


JSON = {
    "byte-pair table": ({"<s>": 0, "\u0120the": 1}, "is a table of entries and ids"),
    "BPE": ({"model": {"type": "BPE", "vocab": {}, "merges": []}}, "is a byte-pair (BPE) tokenizer"),
    "BPE without a type": ({"model": {"vocab": {}, "merges": []}}, "is a byte-pair (BPE) tokenizer"),
    "Unigram": ({"model": {"type": "Unigram", "vocab": [["<unk>", 0]]}}, "is a SentencePiece (Unigram) tokenizer"),
    "WordLevel": ({"model": {"type": "WordLevel", "vocab": {}}}, "is a tokenizer of whole words"),
    "a list": ([1], "is no tokenizer.json"),
    "empty": ({}, "is no tokenizer.json"),
}


@pytest.mark.parametrize("name", JSON)
def test_other_json_files_are_named(tmp_path: Path, name: str) -> None:
    content, sentence = JSON[name]
    (tmp_path / "tokenizer.json").write_text(json.dumps(content))
    with pytest.raises(UserError) as error:
        read_folder(tmp_path)
    assert sentence in str(error.value)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("merges.txt", "holds a byte-pair (BPE) vocabulary (merges.txt)"),
        ("vocab.json", "holds a byte-pair (BPE) vocabulary (vocab.json)"),
        ("spiece.model", "holds a SentencePiece vocabulary (spiece.model)"),
        ("zh.model", "holds a SentencePiece vocabulary (zh.model)"),
        ("spiece.vocab", "holds a SentencePiece vocabulary (spiece.vocab)"),
    ],
)
def test_a_folder_of_another_model_is_named(tmp_path: Path, name: str, sentence: str) -> None:
    refuse_folder(tmp_path)  # an empty folder holds no other kind
    (tmp_path / name).write_text("")
    with pytest.raises(UserError) as error:
        refuse_folder(tmp_path)
    assert str(error.value).startswith(f"{tmp_path}: {sentence}, and ELECTRA needs a WordPiece vocabulary")


def test_a_few_entries_of_another_kind_are_no_other_kind(tmp_path: Path) -> None:
    """A vocabulary of Chinese text may have entries that begin with the marks of other kinds."""
    entries = ["[PAD]", "[UNK]", "法", "律", "the", "##s", "of"]
    refuse_other_entries(tmp_path, [*entries, "\u2581", "\u0120", "a\t-1.5"])
    for mark, kind in (("\u2581", "SentencePiece"), ("\u0120", "byte-pair")):
        with pytest.raises(UserError, match=kind):
            refuse_other_entries(tmp_path, [*entries, *(f"{mark}{number}" for number in range(4))])
