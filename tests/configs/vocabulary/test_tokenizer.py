"""The tokenizer that is built from entries gives the same ids as transformers' own tokenizer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer
from transformers import BertTokenizerFast  # type: ignore[reportAttributeAccessIssue]  it is loaded late

from configs.common.errors import UserError
from configs.vocabulary.settings import TokenizerSettings
from configs.vocabulary.tokenizer import bert_tokenizer, entries_of, open_tokenizer

ENTRIES = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "the",
    "na",
    "##ive",
    "##\u00efve",
    "The",
    "\u6cd5",
    ".",
    "##s",
]
CONTENTS = ["\n".join(ENTRIES) + "\n", "\ufeff" + "\r\n".join(ENTRIES), "\n".join([*ENTRIES, "the"])]
TEXT = "The na\u00efve the \u6cd5. naives [MASK]"


@pytest.mark.parametrize("settings", [{}, {"do_lower_case": False}, {"do_lower_case": True, "strip_accents": False}])
@pytest.mark.parametrize("content", CONTENTS)
def test_a_model_is_opened_as_transformers_opens_it(tmp_path: Path, settings: dict[str, bool], content: str) -> None:
    (tmp_path / "vocab.txt").write_text(content, newline="")
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    plain = tmp_path / "plain"
    plain.mkdir()
    (plain / "vocab.txt").write_text(content.removeprefix("\ufeff").replace("\r\n", "\n"))
    expected = BertTokenizerFast(str(plain / "vocab.txt"), **settings)
    assert open_tokenizer(tmp_path).encode(TEXT).ids == expected(TEXT)["input_ids"]


def test_a_tokenizer_file_forgets_its_last_use(tmp_path: Path) -> None:
    tokenizer = bert_tokenizer(ENTRIES, TokenizerSettings(True, True, 100), "entries")
    assert entries_of(tokenizer) == ENTRIES
    tokenizer.enable_truncation(3)
    tokenizer.enable_padding(length=20)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    assert len(open_tokenizer(tmp_path).encode(TEXT).ids) > 3
    stored = json.loads((tmp_path / "tokenizer.json").read_text())
    stored["decoder"] = {"type": "Unknown"}
    (tmp_path / "tokenizer.json").write_text(json.dumps(stored))
    with pytest.raises(Exception, match=r"Unknown|variant|match"):
        Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    with pytest.raises(UserError, match=r"is no tokenizer\.json"):
        open_tokenizer(tmp_path)


def test_entries_without_a_special_token(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n")
    with pytest.raises(UserError, match=r"vocab\.txt: the vocabulary lacks \[MASK\]"):
        open_tokenizer(tmp_path)


@pytest.mark.parametrize(
    ("stated", "sentence"),
    [
        ({}, ""),
        ({"do_lower_case": True, "strip_accents": None, "tokenize_chinese_chars": True}, ""),
        ({"strip_accents": True}, ""),  # a tokenizer that lowercases does
        ({"do_lower_case": False}, "do_lower_case is false, and the normalizer of tokenizer.json beside it has true"),
        ({"strip_accents": False}, "strip_accents is false, and the normalizer"),
        ({"tokenize_chinese_chars": False}, "tokenize_chinese_chars is false, and the normalizer"),
    ],
)
def test_settings_that_contradict_a_tokenizer_file(tmp_path: Path, stated: dict[str, Any], sentence: str) -> None:
    """transformers obeys the settings, so text would be cut in two ways."""
    tokenizer = bert_tokenizer(ENTRIES, TokenizerSettings(True, True, 100), "entries")
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(stated))
    if not sentence:
        assert open_tokenizer(tmp_path).encode(TEXT).ids == tokenizer.encode(TEXT).ids
        return
    with pytest.raises(UserError, match=sentence):
        open_tokenizer(tmp_path)
