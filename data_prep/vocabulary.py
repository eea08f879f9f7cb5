"""The vocabulary of a corpus. It is read from a file that the recipe names, and it is stored in the corpus."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from configs.common.errors import UserError
from configs.common.files import read_json, sha256_of, write_text
from configs.corpus_tables import VocabularyTable
from configs.folders import TOKENIZER_FILE, VOCABULARY_FILE
from configs.vocabulary.entries import (
    SPECIAL_TOKENS,
    belongs_to_model,
    check_special_tokens,
    read_entries,
    vocabulary_file,
)
from configs.vocabulary.kinds import refuse_folder, refuse_other_model
from configs.vocabulary.settings import SETTINGS_FILE, TokenizerSettings, read_settings
from configs.vocabulary.tokenizer import bert_tokenizer, entries_of, read_tokenizer_file
from data_prep.manifest import SpecialTokens, VocabularyFacts


def settings_of_recipe(vocabulary: VocabularyTable) -> TokenizerSettings:
    return TokenizerSettings(vocabulary.lowercase, vocabulary.strip_accents, vocabulary.longest_word)


def take(vocabulary: VocabularyTable) -> Tokenizer:
    """Return the tokenizer that `vocabulary.source` names: a vocab.txt, a tokenizer.json, or a folder with one of them.

    Raises UserError when the vocabulary is of another kind, has another size, or contradicts the recipe.
    """
    path = _source_file(Path(vocabulary.source))
    entries = read_entries(path)
    check_special_tokens({entry: number for number, entry in enumerate(entries)}, path)
    if path.suffix == ".json":
        stated_settings(path)  # raises UserError when it is not a tokenizer of BERT's kind, whatever its size
    if len(entries) != vocabulary.size and not vocabulary.extend:
        raise UserError(
            f"vocabulary.size: {vocabulary.size}, and {path} has {len(entries)} entries; "
            f"set vocabulary.size={len(entries)}"
        )
    if path.suffix == ".json":
        return _take_tokenizer_file(path, entries, vocabulary)
    if belongs_to_model(path):
        stated = read_settings(path.parent)  # raises UserError when the model's tokenizer does more than BERT's
        if (settings_file := path.with_name(SETTINGS_FILE)).is_file():
            _refuse_other(vocabulary, settings_file, lowercase=stated.lowercase, strip_accents=stated.strip_accents)
    return bert_tokenizer(entries, settings_of_recipe(vocabulary), path)


def _source_file(source: Path) -> Path:
    path = (vocabulary_file(source) if source.is_dir() else source) or source
    if path.is_dir():
        refuse_folder(path)
        raise UserError(f"vocabulary.source: {path} holds neither {TOKENIZER_FILE} nor {VOCABULARY_FILE}")
    if not path.is_file():
        raise UserError(f"vocabulary.source: {path} does not exist; name a vocab.txt, a tokenizer.json or a folder")
    return path


def _take_tokenizer_file(path: Path, entries: list[str], vocabulary: VocabularyTable) -> Tokenizer:
    stated = stated_settings(path)
    _refuse_other(vocabulary, path, **vars(stated))
    tokenizer = read_tokenizer_file(path)
    # The tokenizer.json of a model may have no entry for some ids, while `entries` has an entry for every id.
    return tokenizer if len(tokenizer.get_vocab()) == len(entries) else bert_tokenizer(entries, stated, path)


def _refuse_other(vocabulary: VocabularyTable, path: Path, **stated: bool | int) -> None:
    """Raise UserError if a key of the recipe has another value than the file of a model."""
    for key, value in stated.items():
        if value != getattr(vocabulary, key):
            in_recipe, in_file = json.dumps(getattr(vocabulary, key)), json.dumps(value)
            raise UserError(f"vocabulary.{key}: {in_recipe}, and {path} has {in_file}; set vocabulary.{key}={in_file}")


def stated_settings(path: Path) -> TokenizerSettings:
    """Return the settings in a tokenizer.json that are also keys of the recipe.

    Raises UserError when the file is not a tokenizer of BERT's kind.
    """
    stored = read_json(path)
    refuse_other_model(path, stored)
    normalizer, model = stored.get("normalizer") or {}, stored["model"]
    of_bert = {
        "normalizer.type": (normalizer.get("type"), "BertNormalizer"),
        "normalizer.clean_text": (normalizer.get("clean_text"), True),
        "normalizer.handle_chinese_chars": (normalizer.get("handle_chinese_chars"), True),
        "pre_tokenizer.type": ((stored.get("pre_tokenizer") or {}).get("type"), "BertPreTokenizer"),
        "model.continuing_subword_prefix": (model.get("continuing_subword_prefix"), "##"),
    }
    beside = path.with_name(VOCABULARY_FILE)
    remedy = f"; set vocabulary.source={beside} instead" if beside.is_file() else ", the only tokenizer known here"
    for key, (value, expected) in of_bert.items():
        if value != expected:
            raise UserError(
                f"vocabulary.source: {path} has {key} = {json.dumps(value)}, and BERT's is "
                f"{json.dumps(expected)}{remedy}"
            )
    return TokenizerSettings.of(normalizer["lowercase"], normalizer["strip_accents"], model["max_input_chars_per_word"])


def special_tokens(tokenizer: Tokenizer, origin: Path) -> SpecialTokens:
    """Return the ids of BERT's special tokens.

    Raises UserError, with `origin` in its message, when the vocabulary lacks a special token.
    """
    ids = tokenizer.get_vocab()
    check_special_tokens(ids, origin)
    return SpecialTokens(**{name: ids[token] for name, token in SPECIAL_TOKENS.items()})


def continuations(tokenizer: Tokenizer) -> NDArray[np.bool_]:
    """Return for each entry of the vocabulary whether it continues a word, bool [V]."""
    return np.array([entry.startswith("##") for entry in entries_of(tokenizer)])


def save(tokenizer: Tokenizer, folder: Path) -> None:
    write_text(folder / VOCABULARY_FILE, "".join(entry + "\n" for entry in entries_of(tokenizer)))
    write_text(folder / TOKENIZER_FILE, tokenizer.to_str(pretty=True))


def load(folder: Path) -> Tokenizer:
    """Return the tokenizer of a corpus, for encoding documents.

    Where a document contains the text `[MASK]`, it is encoded as text and not as the special token.
    """
    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
    tokenizer.encode_special_tokens = True
    return tokenizer


def describe(folder: Path) -> VocabularyFacts:
    """Return the description of a saved vocabulary for the manifest."""
    tokenizer = load(folder)
    return VocabularyFacts(
        sha256=hashlib.sha256("\n".join(entries_of(tokenizer)).encode()).hexdigest(),
        size=tokenizer.get_vocab_size(),
        special=special_tokens(tokenizer, folder / TOKENIZER_FILE),
        files={name: sha256_of(folder / name) for name in (TOKENIZER_FILE, VOCABULARY_FILE)},
    )
