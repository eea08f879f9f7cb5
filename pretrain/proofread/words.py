"""The words of a text and their tokens, each with its place in the characters of the text."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from itertools import groupby

from tokenizers import Tokenizer

from configs.common.errors import UserError

# Combining accents, and invisible characters such as the zero-width joiner.
_REMOVED = ("Mn", "Me", "Cf")


@dataclass(frozen=True)
class Token:
    id: int
    entry: str  # of the vocabulary
    start: int  # in characters of the text, as Python counts them
    end: int


@dataclass(frozen=True)
class Word:
    """A word as BERT's tokenizer cuts it. Punctuation marks and Chinese characters are words of their own."""

    first: int  # its tokens are `first` to `last` of the text, with an exclusive end
    last: int
    start: int
    end: int


@dataclass(frozen=True)
class TokenizedText:
    text: str
    tokens: list[Token]
    words: list[Word]

    @property
    def ids(self) -> list[int]:
        return [token.id for token in self.tokens]


def tokenize(tokenizer: Tokenizer, text: str) -> TokenizedText:
    """Cut a text into words and tokens, without [CLS] and [SEP].

    A special token that is written in the text, such as [MASK], is that token, as in transformers. Raises UserError for
    a text with half of a surrogate pair, which is no character.
    """
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise UserError("the text holds half of a surrogate pair, which is no character; remove it")
    encoding = tokenizer.encode(text, add_special_tokens=False)
    tokens = [
        Token(number, entry, start, end)
        for number, entry, (start, end) in zip(encoding.ids, encoding.tokens, encoding.offsets, strict=True)
    ]
    words = []
    for _, group in groupby(range(len(tokens)), encoding.word_ids.__getitem__):
        members = [*group]
        places = [tokens[member] for member in members]
        start, end = min(token.start for token in places), max(token.end for token in places)
        after = tokens[members[-1] + 1].start if members[-1] + 1 < len(tokens) else len(text)
        words.append(Word(members[0], members[-1] + 1, start, _with_marks(text, end, after)))
    return TokenizedText(text, tokens, words)


def _with_marks(text: str, end: int, limit: int) -> int:
    """Return the end of a word with the accents and invisible characters at its end that the tokenizer removed."""
    while end < limit and unicodedata.category(text[end]) in _REMOVED:
        end += 1
    return end
