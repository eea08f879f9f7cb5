"""This module makes BERT's tokenizer from the entries of a vocabulary, as an object of the package tokenizers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from configs.common.errors import UserError
from configs.folders import TOKENIZER_FILE, VOCABULARY_FILE
from configs.vocabulary.entries import SPECIAL_TOKENS, check_special_tokens, read_entries, vocabulary_file
from configs.vocabulary.settings import TokenizerSettings, read_settings, refuse_contradiction


def bare_tokenizer(ids: dict[str, int], settings: TokenizerSettings) -> Tokenizer:
    """Return a tokenizer with BERT's normalizer, words and word pieces. It puts no special tokens around a text."""
    tokenizer = Tokenizer(
        models.WordPiece(ids, unk_token=SPECIAL_TOKENS["unk"], max_input_chars_per_word=settings.longest_word)
    )
    tokenizer.normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=True,
        strip_accents=settings.strip_accents,
        lowercase=settings.lowercase,
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer


def bert_tokenizer(entries: Sequence[str], settings: TokenizerSettings, origin: str | Path) -> Tokenizer:
    """Return BERT's tokenizer, which recognises its special tokens and puts [CLS] and [SEP] around a text.

    Raises UserError, naming `origin`, if a special token is not an entry.
    """
    ids = {entry: number for number, entry in enumerate(entries)}
    check_special_tokens(ids, origin)
    tokenizer = bare_tokenizer(ids, settings)
    tokenizer.add_special_tokens(list(SPECIAL_TOKENS.values()))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(token, ids[token]) for token in ("[CLS]", "[SEP]")],
    )
    return tokenizer


def open_tokenizer(folder: Path) -> Tokenizer:
    """Return the tokenizer of the model in `folder`, from its tokenizer.json or from its vocab.txt and settings.

    Raises UserError if there is no tokenizer, or if it is of another kind than BERT's.
    """
    path = vocabulary_file(folder)
    if path is None:
        raise UserError(f"{folder}: holds neither {TOKENIZER_FILE} nor {VOCABULARY_FILE}, so no text can be tokenized")
    entries = read_entries(path)
    if path.name == VOCABULARY_FILE:
        return bert_tokenizer(entries, read_settings(folder), path)
    check_special_tokens({entry: number for number, entry in enumerate(entries)}, path)
    return read_tokenizer_file(path)


def read_tokenizer_file(path: Path) -> Tokenizer:
    """Return the tokenizer of a tokenizer.json without truncation and padding.

    The file often contains the truncation and padding of its last use. Raises UserError if the file cannot be read, or
    if the settings beside it contradict it.
    """
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # The package tokenizers raises no more specific class.
        raise UserError(f"{path}: is no tokenizer.json ({error}); download or save it again") from None
    tokenizer.no_truncation()
    tokenizer.no_padding()
    normalizer = json.loads(tokenizer.to_str())["normalizer"] or {}
    if normalizer.get("type") == "BertNormalizer":
        refuse_contradiction(path, normalizer)
    return tokenizer


def entries_of(tokenizer: Tokenizer) -> list[str]:
    """Return the entries of a tokenizer by id. Every id must have an entry."""
    ids = tokenizer.get_vocab()
    return sorted(ids, key=ids.__getitem__)
