"""Extends an existing vocabulary by the most useful words of the text.

A word is useful if an entry of its own saves many word pieces, or if the word was unknown before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from tokenizers import Tokenizer

from configs.common.errors import UserError
from configs.corpus_tables import VocabularyTable
from configs.vocabulary.entries import SPECIAL_TOKENS
from configs.vocabulary.tokenizer import entries_of


class Addition(NamedTuple):
    word: str
    id: int
    occurrences: int  # how often the word occurs in the sample
    pieces: str  # the word pieces into which the word was split before


def extended(
    tokenizer: Tokenizer, vocabulary: VocabularyTable, texts: Iterable[str]
) -> tuple[list[str], list[Addition]]:
    """Return the entries of the larger vocabulary, and the additions.

    Added words first replace [unused] entries and then follow at the end. No other entry changes its id. Raises
    UserError when the text has too few useful words, or when the size is not the size in the recipe.
    """
    entries = entries_of(tokenizer)
    chosen = _useful(tokenizer, vocabulary, texts)[: vocabulary.extend]
    if len(chosen) < vocabulary.extend:
        raise UserError(
            f"vocabulary.extend: {vocabulary.extend}, and the text gives {len(chosen)} words that are worth an entry; "
            f"set vocabulary.extend={len(chosen)} or less, or bring more text"
        )
    unused = [number for number, entry in enumerate(entries) if entry.startswith("[unused")]
    numbers = [*unused, *range(len(entries), len(entries) + len(chosen))][: len(chosen)]
    additions = [
        Addition(word, number, count, pieces) for number, (word, count, pieces) in zip(numbers, chosen, strict=True)
    ]
    entries += [""] * (max([len(entries) - 1, *numbers]) + 1 - len(entries))
    for addition in additions:
        entries[addition.id] = addition.word
    if len(entries) != vocabulary.size:
        raise UserError(
            f"vocabulary.size: {vocabulary.size}, and extended it has {len(entries)} entries; "
            f"set vocabulary.size={len(entries)}"
        )
    return entries, additions


def _useful(tokenizer: Tokenizer, vocabulary: VocabularyTable, texts: Iterable[str]) -> list[tuple[str, int, str]]:
    """Return (word, count, word pieces) for every useful word, the most useful first.

    Words are sorted by the number of word pieces that an entry would save in the text, and then by spelling.
    """
    counts: Counter[str] = Counter()
    for text in texts:
        normal = tokenizer.normalizer.normalize_str(text)
        counts.update(word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(normal))
    frequent = sorted(word for word, count in counts.items() if count >= vocabulary.smallest_count and _is_word(word))
    encodings = tokenizer.encode_batch(frequent, add_special_tokens=False)
    saved = {
        word: (
            counts[word] * (1 if SPECIAL_TOKENS["unk"] in encoding.tokens else len(encoding) - 1),
            " ".join(encoding.tokens),
        )
        for word, encoding in zip(frequent, encodings, strict=True)
        if len(word) <= vocabulary.longest_word
    }
    best = sorted((word for word in saved if saved[word][0]), key=lambda word: (-saved[word][0], word))
    return [(word, counts[word], saved[word][1]) for word in best]


def _is_word(word: str) -> bool:
    return any(character.isalpha() for character in word)
