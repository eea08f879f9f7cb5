"""The tokenizer beside a model: tokenizer.json, vocab.txt and tokenizer_config.json, completed from what is there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from tokenizers import BertWordPieceTokenizer, Tokenizer

from configs.common.errors import UserError
from configs.common.files import read_json, read_lines, write_json, write_text
from configs.folders import TOKENIZER_FILE, VOCABULARY_FILE

SETTINGS = "tokenizer_config.json"
SPECIAL = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
# Classes of transformers and PaddleNLP that cut text as BERT does.
_CLASSES = {
    f"{name}Tokenizer{suffix}" for name in ("Electra", "Bert", "ErnieHealth", "Ernie") for suffix in ("", "Fast")
} | {"PreTrainedTokenizerFast", "TokenizersBackend"}


def write_tokenizer(source: Path, folder: Path, model: str, max_length: int, tokenizer_class: str) -> int:
    """Copy or complete the three files; returns the id of [PAD].

    Raises UserError for a tokenizer that is not of BERT's kind, since vocab.txt alone would cut other text than it.
    """
    settings = read_json(source / SETTINGS) if (source / SETTINGS).is_file() else {}
    stated_class = settings.get("tokenizer_class") or "BertTokenizer"
    if stated_class not in _CLASSES:
        raise UserError(f"{model}: its tokenizer is a {stated_class}, and an export holds BERT's WordPiece alone")
    tokenizer = _write_json(source, folder, settings)
    if missing := [token for token in SPECIAL.values() if tokenizer.token_to_id(token) is None]:
        raise UserError(f"{model}: its vocabulary lacks {', '.join(missing)}, which every ELECTRA needs")
    _write_vocabulary(source, folder, tokenizer)
    write_json(folder / SETTINGS, _settings(tokenizer, model, max_length, tokenizer_class))
    return tokenizer.get_vocab()[SPECIAL["pad"]]


def _write_json(source: Path, folder: Path, settings: dict[str, Any]) -> Tokenizer:
    if (source / TOKENIZER_FILE).is_file():
        tokenizer = Tokenizer.from_file(str(source / TOKENIZER_FILE))
        # A tokenizer is often saved with the truncation and the padding of its last use.
        if tokenizer.truncation is None and tokenizer.padding is None:
            shutil.copyfile(source / TOKENIZER_FILE, folder / TOKENIZER_FILE)
            return tokenizer
        tokenizer.no_truncation()
        tokenizer.no_padding()
    else:
        tokenizer = _from_words(source / VOCABULARY_FILE, settings)
    write_text(folder / TOKENIZER_FILE, tokenizer.to_str(pretty=True))
    return tokenizer


def _from_words(file: Path, settings: dict[str, Any]) -> Tokenizer:
    """transformers' tokenizer of a bare vocab.txt, with what is stated beside it."""
    entries = {word: number for number, word in enumerate(read_lines(file))}
    return BertWordPieceTokenizer(
        entries,
        lowercase=settings.get("do_lower_case", True),
        strip_accents=settings.get("strip_accents"),
        handle_chinese_chars=settings.get("tokenize_chinese_chars", True),
    )._tokenizer


def _write_vocabulary(source: Path, folder: Path, tokenizer: Tokenizer) -> None:
    if (source / VOCABULARY_FILE).is_file():
        shutil.copyfile(source / VOCABULARY_FILE, folder / VOCABULARY_FILE)
        return
    table = tokenizer.get_vocab()
    write_text(folder / VOCABULARY_FILE, "".join(f"{word}\n" for word in sorted(table, key=table.__getitem__)))


def _settings(tokenizer: Tokenizer, model: str, max_length: int, tokenizer_class: str) -> dict[str, Any]:
    """With the rules that the tokenizer has, for software that reads vocab.txt alone."""
    normalizer = json.loads(tokenizer.to_str())["normalizer"] or {}
    if normalizer.get("type") != "BertNormalizer":
        raise UserError(
            f"{model}: its tokenizer.json normalizes text by {normalizer.get('type')}, and not as BERT does"
        )
    return {
        "tokenizer_class": tokenizer_class,
        "do_lower_case": normalizer["lowercase"],
        "strip_accents": normalizer["strip_accents"],
        "tokenize_chinese_chars": normalizer["handle_chinese_chars"],
        "model_max_length": max_length,
        **{f"{name}_token": token for name, token in SPECIAL.items()},
    }
