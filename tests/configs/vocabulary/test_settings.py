"""A tokenizer_config.json is followed, or refused by the key that BERT's tokenizer does not have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from configs.common.errors import UserError
from configs.vocabulary.settings import TokenizerSettings, read_settings

FOLLOWED: list[tuple[dict[str, Any] | None, tuple[bool, bool]]] = [
    (None, (True, True)),
    ({}, (True, True)),
    ({"do_lower_case": False}, (False, False)),
    ({"do_lower_case": True, "strip_accents": False}, (True, False)),
    ({"do_lower_case": False, "strip_accents": True}, (False, True)),
    ({"do_lower_case": True, "strip_accents": None}, (True, True)),
    ({"tokenizer_class": "ElectraTokenizerFast", "never_split": None}, (True, True)),
    ({"tokenizer_class": "BertJapaneseTokenizer", "word_tokenizer_type": "basic"}, (True, True)),
    ({"never_split": ["[MASK]"], "pad_token": {"content": "[PAD]"}, "do_basic_tokenize": True}, (True, True)),
    ({"added_tokens_decoder": {"0": {"content": "[PAD]", "special": True}}}, (True, True)),
]


@pytest.mark.parametrize(("stated", "expected"), FOLLOWED)
def test_settings_that_are_followed(tmp_path: Path, stated: dict[str, Any] | None, expected: tuple[bool, bool]) -> None:
    if stated is not None:
        (tmp_path / "tokenizer_config.json").write_text(json.dumps(stated))
    assert read_settings(tmp_path) == TokenizerSettings(*expected, longest_word=100)


REFUSED = [
    (
        {"tokenizer_class": "BertJapaneseTokenizer", "word_tokenizer_type": "mecab"},
        "its tokenizer is BertJapaneseTokenizer (mecab, wordpiece), which cuts text otherwise than BERT's",
    ),
    (
        {"tokenizer_class": "BertJapaneseTokenizer", "subword_tokenizer_type": "character"},
        "its tokenizer is BertJapaneseTokenizer (basic, character)",
    ),
    ({"tokenizer_class": "T5Tokenizer"}, "its tokenizer is T5Tokenizer, which"),
    ({"tokenizer_class": "RobertaTokenizerFast"}, "its tokenizer is RobertaTokenizerFast, which"),
    ({"never_split": ["[LINK]"]}, "its tokenizer never splits [LINK] (never_split), which"),
    ({"tokenize_chinese_chars": False}, "its tokenizer has tokenize_chinese_chars = False, which"),
    ({"do_basic_tokenize": False}, "its tokenizer has do_basic_tokenize = False, which"),
    ({"wordpieces_prefix": "@@"}, "its tokenizer has wordpieces_prefix = '@@', which"),
    ({"mask_token": "<mask>"}, "mask_token is '<mask>', and ELECTRA's is '[MASK]'"),
    ({"do_lower_case": "yes"}, "do_lower_case is 'yes', and must be true or false"),
    ({"added_tokens_decoder": {"9": {"content": "<link>"}}}, "has added tokens, such as '<link>'"),
    ({"added_tokens_decoder": {"9": {"content": "<e1>", "special": True}}}, "has added tokens, such as '<e1>'"),
    ({"additional_special_tokens": ["[SEP]", "<e1>"]}, "has added tokens, such as '<e1>'"),
    ({"additional_special_tokens": [{"content": "<e1>"}]}, "has added tokens, such as '<e1>'"),
    ([], "holds no table of settings"),
]


@pytest.mark.parametrize(("stated", "sentence"), REFUSED)
def test_settings_that_are_refused(tmp_path: Path, stated: Any, sentence: str) -> None:
    path = tmp_path / "tokenizer_config.json"
    path.write_text(json.dumps(stated))
    with pytest.raises(UserError) as error:
        read_settings(tmp_path)
    assert str(error.value).startswith(f"{path}: ")
    assert sentence in str(error.value)


def test_added_tokens_in_a_file_of_their_own_are_refused(tmp_path: Path) -> None:
    (tmp_path / "added_tokens.json").write_text('{"[LINK]": 64000}')
    with pytest.raises(UserError, match=r"has added tokens, such as '\[LINK\]'"):
        read_settings(tmp_path)
