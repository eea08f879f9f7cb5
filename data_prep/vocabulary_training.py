"""Trains a WordPiece vocabulary on text. The same text gives the same entries in the same order."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import islice

import numpy as np
from tokenizers import Tokenizer, trainers

from configs.common.errors import UserError
from configs.corpus_tables import VocabularyTable
from configs.vocabulary.entries import SPECIAL_TOKENS
from configs.vocabulary.tokenizer import bare_tokenizer, bert_tokenizer, entries_of
from data_prep.vocabulary import settings_of_recipe

# The number of texts whose characters are counted at a time.
_COUNTED_TEXTS = 256


def train(vocabulary: VocabularyTable, texts: Callable[[], Iterable[str]]) -> Tokenizer:
    """Train a vocabulary on the lines that `texts()` returns. `texts` is called twice.

    Raises UserError when the text gives fewer entries than `vocabulary.size`.
    """
    settings = settings_of_recipe(vocabulary)
    tokenizer = bare_tokenizer({SPECIAL_TOKENS["unk"]: 0}, settings)
    characters = _alphabet(tokenizer, vocabulary, texts())
    # The trainer numbers the pieces of a single character in the order of a randomly seeded hash table, and breaks ties
    # by these numbers. We pass these pieces as special tokens, which are numbered in the given order. That makes
    # training repeatable.
    first = [*SPECIAL_TOKENS.values(), *characters]
    first += ["##" + character for character in characters if _continues_words(tokenizer, character)]
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocabulary.size,
        min_frequency=vocabulary.smallest_count,
        initial_alphabet=characters,
        limit_alphabet=len(characters),
        special_tokens=first,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts(), trainer)
    num_entries = tokenizer.get_vocab_size()
    if num_entries != vocabulary.size:
        wanted = "or less, or bring more text"
        if num_entries > vocabulary.size:
            wanted = "or more, or lower vocabulary.alphabet"
        raise UserError(
            f"vocabulary.size: {vocabulary.size}, and the text gives {num_entries} entries; "
            f"set vocabulary.size={num_entries} {wanted}"
        )
    return bert_tokenizer(entries_of(tokenizer), settings, "the trained vocabulary")


def _alphabet(tokenizer: Tokenizer, vocabulary: VocabularyTable, texts: Iterable[str]) -> list[str]:
    """Return the characters that get an entry: the most frequent characters, in the order of their code points."""
    as_written = np.zeros(sys.maxunicode + 1, np.int64)
    texts = iter(texts)
    while some := list(islice(texts, _COUNTED_TEXTS)):
        of_some = np.bincount(np.frombuffer("".join(some).encode("utf-32-le"), "<u4"))
        as_written[: len(of_some)] += of_some
    counts: Counter[str] = Counter()
    # BERT's normalizer changes each character by itself, apart from the order of marks, which does not count here.
    for point in np.flatnonzero(as_written).tolist():
        for normal in "".join(tokenizer.normalizer.normalize_str(chr(point)).split()):
            counts[normal] += int(as_written[point])
    most_frequent = sorted(counts, key=lambda character: (-counts[character], character))[: vocabulary.alphabet]
    return sorted(most_frequent)


def _continues_words(tokenizer: Tokenizer, character: str) -> bool:
    """Return whether the character may follow a letter in a word. Chinese characters and punctuation stand alone."""
    text = tokenizer.normalizer.normalize_str("a" + character)
    return len(tokenizer.pre_tokenizer.pre_tokenize_str(text)) == 1
