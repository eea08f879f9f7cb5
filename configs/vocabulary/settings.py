"""A model's tokenizer_config.json, beside its vocab.txt, states how its tokenizer cuts text into words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from configs.common.errors import UserError
from configs.common.files import read_json
from configs.vocabulary.entries import SPECIAL_TOKENS

SETTINGS_FILE = "tokenizer_config.json"
ADDED_TOKENS_FILE = "added_tokens.json"
# These tokenizers of transformers and PaddleNLP cut text as BERT does. Their names lack "Tokenizer" and "Fast" here.
_AS_BERT = {
    *("Bert", "Electra", "DistilBert", "ConvBert", "MobileBert", "SqueezeBert", "LayoutLM", "Lxmert"),
    *("RetriBert", "Ernie", "TinyBert", "PPMiniLM", "PreTrained", "Auto", "TokenizersBackend"),
}
# These are keys of BERT's tokenizers, each with the only value that we support. A missing key has this value.
_EXPECTED = {
    "tokenize_chinese_chars": True,
    "do_basic_tokenize": True,
    "wordpieces_prefix": "##",
    "do_word_tokenize": True,
    "do_subword_tokenize": True,
}


@dataclass(frozen=True)
class TokenizerSettings:
    """These keys of a recipe's vocabulary must agree with a model's tokenizer."""

    lowercase: bool
    strip_accents: bool
    # A word with more characters becomes [UNK].
    longest_word: int

    @classmethod
    def of(cls, lowercase: bool, strip_accents: bool | None, longest_word: int) -> TokenizerSettings:
        """Return the settings. If nothing is stated about accents, BERT's tokenizer strips them if it lowercases."""
        return cls(lowercase, lowercase if strip_accents is None else strip_accents, longest_word)


def read_settings(folder: Path) -> TokenizerSettings:
    """Return the settings with which transformers would use the vocab.txt of `folder`, as stated beside it.

    Raises UserError for a tokenizer that does more than BERT's, with its name or the key.
    """
    path = folder / SETTINGS_FILE
    stated = read_json(path) if path.is_file() else {}
    if not isinstance(stated, dict):
        raise UserError(f"{path}: holds no table of settings; it was damaged or edited")
    _refuse_other_class(path, stated)
    _refuse_other_settings(path, stated)
    _refuse_added_tokens(folder, stated)
    lowercase, strip_accents = stated.get("do_lower_case", True), stated.get("strip_accents")
    for key, value in (("do_lower_case", lowercase), ("strip_accents", strip_accents)):
        if not isinstance(value, bool) and not (key == "strip_accents" and value is None):
            raise UserError(f"{path}: {key} is {value!r}, and must be true or false")
    return TokenizerSettings.of(lowercase, strip_accents, longest_word=100)


def refuse_contradiction(tokenizer_file: Path, normalizer: Mapping[str, Any]) -> None:
    """Raise UserError when the settings beside a tokenizer.json say otherwise than its BertNormalizer.

    transformers would obey the settings, and programs that read the tokenizer.json alone would not.
    """
    path = tokenizer_file.with_name(SETTINGS_FILE)
    stated = read_json(path) if path.is_file() else {}
    lowercase, accents = normalizer["lowercase"], normalizer["strip_accents"]
    found = {
        "do_lower_case": lowercase,
        "strip_accents": lowercase if accents is None else accents,
        "tokenize_chinese_chars": normalizer["handle_chinese_chars"],
    }
    for key, value in found.items():
        if isinstance(stated, dict) and stated.get(key) is not None and stated[key] != value:
            raise UserError(
                f"{path}: {key} is {json.dumps(stated[key])}, and the normalizer of {tokenizer_file.name} beside it "
                f"has {json.dumps(value)}; change the one with which the model was not trained"
            )


def _refuse_other_class(path: Path, stated: dict[str, Any]) -> None:
    name = stated.get("tokenizer_class")
    if name is None:
        return
    short = str(name).removesuffix("Fast").removesuffix("Tokenizer")
    if short == "BertJapanese":
        segmenter, pieces = (
            stated.get("word_tokenizer_type", "basic"),
            stated.get("subword_tokenizer_type", "wordpiece"),
        )
        if (segmenter, pieces) == ("basic", "wordpiece"):
            return
        raise UserError(f"{path}: its tokenizer is {name} ({segmenter}, {pieces}){_remedy(path)}")
    if short not in _AS_BERT:
        raise UserError(f"{path}: its tokenizer is {name}{_remedy(path)}")


def _refuse_other_settings(path: Path, stated: dict[str, Any]) -> None:
    for key, expected in _EXPECTED.items():
        if stated.get(key, expected) != expected:
            raise UserError(f"{path}: its tokenizer has {key} = {stated[key]!r}{_remedy(path)}")
    protected = [token for token in stated.get("never_split") or () if token not in SPECIAL_TOKENS.values()]
    if protected:
        raise UserError(f"{path}: its tokenizer never splits {', '.join(protected[:5])} (never_split){_remedy(path)}")
    for name, token in SPECIAL_TOKENS.items():
        stored = stated.get(f"{name}_token") or token
        stored = stored.get("content") if isinstance(stored, dict) else stored
        if stored != token:
            raise UserError(f"{path}: {name}_token is {stored!r}, and ELECTRA's is {token!r}; rename it in both files")


def _refuse_added_tokens(folder: Path, stated: dict[str, Any]) -> None:
    path = folder / ADDED_TOKENS_FILE
    added = list(read_json(path)) if path.is_file() else []
    for token in (stated.get("added_tokens_decoder") or {}).values():
        if isinstance(token, dict):
            added.append(str(token.get("content")))
    for token in stated.get("additional_special_tokens") or ():
        added.append(str(token.get("content") if isinstance(token, dict) else token))
    added = [token for token in added if token not in SPECIAL_TOKENS.values()]
    if added:
        raise UserError(
            f"{folder / SETTINGS_FILE}: its tokenizer has added tokens, such as {added[0]!r}{_remedy(folder / 'x')}"
        )


def _remedy(path: Path) -> str:
    return (
        ", which cuts text otherwise than BERT's, and only BERT's is known here; to cut the text as BERT does "
        f"nevertheless, copy {path.parent / 'vocab.txt'} to a folder of its own and set vocabulary.source to the copy"
    )
