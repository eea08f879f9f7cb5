"""Where the discriminator changed its mind: sentences and words of held-out rows, with its suspicion before and after.

Both models saw the same tokens, so their suspicions are compared token by token (`electra evaluate --tokens`).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_SENTENCE_ENDS = (".", "?", "!", "。", "?", "!", "[CLS]", "[SEP]")
_SPECIAL = ("[CLS]", "[SEP]", "[PAD]")
_SHORTEST, _LONGEST = 6, 60
# A word is listed if it was seen this often. The suspicion of rarer words is mostly chance.
_FEWEST = 10


@dataclass(frozen=True)
class Token:
    word: str
    original: str | None  # the word that the generator replaced, if it replaced one
    before: float  # the probability that the token was replaced, as the released model judges
    after: float

    @property
    def gain(self) -> float:
        """How much more the adapted model is right: replaced words should be suspected, and original words not."""
        return self.after - self.before if self.original is not None else self.before - self.after


@dataclass(frozen=True)
class Row:
    corpus: str
    tokens: tuple[Token, ...]


@dataclass(frozen=True)
class Sentence:
    tokens: tuple[Token, ...]

    @property
    def gain(self) -> float:
        return sum(token.gain for token in self.tokens)

    @property
    def largest(self) -> list[Token]:
        """The three tokens about which the model changed its mind most."""
        return sorted(self.tokens, key=lambda token: -abs(token.gain))[:3]


@dataclass(frozen=True)
class Word:
    """An original word, with the mean of its suspicion over all places where it was not replaced."""

    word: str
    occurrences: int
    before: float
    after: float


def read_rows(before: Path, after: Path) -> list[Row]:
    """Read the two files of tokens, which hold the same rows."""
    with open(before, encoding="utf-8") as first, open(after, encoding="utf-8") as second:
        return [_row(json.loads(left), json.loads(right)) for left, right in zip(first, second, strict=True)]


def _row(before: dict, after: dict) -> Row:
    assert before["tokens"] == after["tokens"], "both models must be shown the same tokens"
    originals = {int(position): word for position, word in before["originals"].items()}
    columns = zip(before["tokens"], before["suspicion"], after["suspicion"], strict=True)
    tokens = (Token(word, originals.get(place), left, right) for place, (word, left, right) in enumerate(columns))
    return Row(before["corpus"], tuple(tokens))


def changed_sentences(rows: Sequence[Row], most: int) -> tuple[list[Sentence], list[Sentence]]:
    """Return the sentences that the adapted model judges most better, and those that it judges most worse."""
    ranked = sorted((sentence for row in rows for sentence in _sentences(row)), key=lambda sentence: -sentence.gain)
    better = [sentence for sentence in ranked[:most] if sentence.gain > 0]
    return better, [sentence for sentence in reversed(ranked[-most:]) if sentence.gain < 0]


def _sentences(row: Row) -> Iterator[Sentence]:
    tokens: list[Token] = []
    for token in row.tokens:
        if token.word not in _SPECIAL or token.original is not None:
            tokens.append(token)
        if token.word in _SENTENCE_ENDS:
            yield from _whole(tokens)
            tokens = []
    yield from _whole(tokens)


def _whole(tokens: list[Token]) -> Iterator[Sentence]:
    if _SHORTEST <= len(tokens) <= _LONGEST:
        yield Sentence(tuple(tokens))


def changed_words(rows: Sequence[Row], most: int) -> tuple[list[Word], list[Word]]:
    """Return the words that became most familiar to the model, and those that became most suspicious.

    Only words that the generator did not replace count: suspecting them is a mistake.
    """
    places: dict[str, list[Token]] = defaultdict(list)
    for row in rows:
        for token in row.tokens:
            if token.original is None and token.word not in _SPECIAL:
                places[token.word].append(token)
    words = sorted(
        (_word(word, tokens) for word, tokens in places.items() if len(tokens) >= _FEWEST),
        key=lambda word: word.after - word.before,
    )
    familiar = [word for word in words[:most] if word.after < word.before]
    return familiar, [word for word in reversed(words[-most:]) if word.after > word.before]


def _word(word: str, tokens: Sequence[Token]) -> Word:
    number = len(tokens)
    return Word(word, number, sum(t.before for t in tokens) / number, sum(t.after for t in tokens) / number)
