"""The tokenizer of an export: tokenizer.json, vocab.txt and tokenizer_config.json.

Files that the model does not have are made from the files that it has.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from configs.common.errors import UserError
from configs.common.files import write_json, write_text
from configs.folders import TOKENIZER_FILE, VOCABULARY_FILE
from configs.vocabulary.entries import SPECIAL_TOKENS, read_folder
from configs.vocabulary.settings import SETTINGS_FILE
from configs.vocabulary.tokenizer import open_tokenizer


def write_tokenizer(source: Path, folder: Path, max_length: int, tokenizer_class: str) -> int:
    """Write the three files from the tokenizer of the folder `source`. Returns the id of [PAD].

    Raises UserError for a tokenizer that does not normalize text as BERT does, because software that reads vocab.txt
    alone would tokenize text in another way.
    """
    tokenizer = open_tokenizer(source)
    write_text(folder / TOKENIZER_FILE, tokenizer.to_str(pretty=True))
    write_text(folder / VOCABULARY_FILE, "".join(f"{entry}\n" for entry in read_folder(source)))
    write_json(folder / SETTINGS_FILE, _settings(tokenizer, source, max_length, tokenizer_class))
    return tokenizer.get_vocab()[SPECIAL_TOKENS["pad"]]


def _settings(tokenizer: Tokenizer, source: Path, max_length: int, tokenizer_class: str) -> dict[str, Any]:
    """Return the rules of the tokenizer as settings, for software that reads vocab.txt alone."""
    normalizer = json.loads(tokenizer.to_str())["normalizer"] or {}
    if normalizer.get("type") != "BertNormalizer":
        raise UserError(
            f"{source / TOKENIZER_FILE}: normalizes text by {normalizer.get('type')}, and an export holds BERT's "
            "tokenizer alone; take the tokenizer away and leave its vocab.txt, to cut text as BERT does nevertheless"
        )
    return {
        "tokenizer_class": tokenizer_class,
        "do_lower_case": normalizer["lowercase"],
        "strip_accents": normalizer["strip_accents"],
        "tokenize_chinese_chars": normalizer["handle_chinese_chars"],
        "model_max_length": max_length,
        **{f"{name}_token": token for name, token in SPECIAL_TOKENS.items()},
    }
