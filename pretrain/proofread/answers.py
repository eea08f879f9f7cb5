"""The answers of `electra try` to the requests of its page, as objects for JSON."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from configs.common.errors import UserError
from pretrain.proofread.model import Proofreader
from pretrain.proofread.proposals import propose
from pretrain.proofread.scoring import suspicion
from pretrain.proofread.words import TokenizedText, Word, tokenize

# Significant digits that are sent of a probability.
_DIGITS = 4


class Answers:
    """The answers of one model, or of two models side by side."""

    def __init__(self, readers: Sequence[Proofreader]):
        self._readers = readers
        self._lock = Lock()  # every computation uses all cores, so requests wait for each other

    def suspicion(self, request: dict[str, Any]) -> list[Any]:
        """Answer {"text": TEXT} with a list for each model: the words, and the text between them as strings.

        Raises UserError for any other request.
        """
        text = _text(request)
        with self._lock:
            return [_reading(reader, text) for reader in self._readers]

    def proposals(self, request: dict[str, Any]) -> list[Any]:
        """Answer {"text": TEXT, "start": PLACE} with the proposals of each model for the word at this character.

        The answer of a model without a generator, or without a word in this place, is None. Raises UserError for any
        other request.
        """
        text, start = _text(request), request.get("start")
        if not isinstance(start, int) or isinstance(start, bool) or not 0 <= start < len(text):
            raise UserError(f"start: must be the number of a character, from 0 to {len(text) - 1}")
        with self._lock:
            return [_proposals(reader, text, start) for reader in self._readers]


def _text(request: dict[str, Any]) -> str:
    text = request.get("text")
    if not isinstance(text, str):
        raise UserError('text: missing; send {"text": "..."}')
    return text


def _reading(reader: Proofreader, text: str) -> list[Any]:
    tokenized = tokenize(reader.tokenizer, text)
    scores = suspicion(reader, tokenized.ids) if reader.discriminator else None
    parts, end = [], 0
    for word in tokenized.words:
        parts += [text[end : word.start], _word(tokenized, word, scores)]
        end = word.end
    return [part for part in [*parts, text[end:]] if part]


def _word(text: TokenizedText, word: Word, scores: NDArray[np.float64] | None) -> dict[str, Any]:
    """Describe a word. `pieces` cover its characters, and `tokens` are the entries of the vocabulary."""
    members = range(word.first, word.last)
    values: list[Any] = [None if scores is None else _rounded(scores[member]) for member in members]
    return {
        "start": word.start,
        "text": text.text[word.start : word.end],
        "suspicion": None if scores is None else max(values),
        "pieces": _pieces(text, word, values),
        "tokens": [[text.tokens[member].entry, value] for member, value in zip(members, values, strict=True)],
    }


def _pieces(text: TokenizedText, word: Word, values: Sequence[Any]) -> list[list[Any]]:
    """Cut the characters of a word into pieces [TEXT, SUSPICION].

    A character that the tokenizer removes belongs to the piece before it. Several tokens may come from one character,
    such as a Korean syllable; the highest suspicion counts then.
    """
    pieces: list[list[Any]] = []
    borders: list[int] = []
    for token, value in zip(text.tokens[word.first : word.last], values, strict=True):
        if borders and token.start <= borders[-1]:
            pieces[-1][1] = None if value is None else max(value, pieces[-1][1])
        else:
            borders.append(token.start)
            pieces.append(["", value])
    for piece, start, end in zip(pieces, borders, [*borders[1:], word.end], strict=True):
        piece[0] = text.text[start:end]
    return pieces


def _proposals(reader: Proofreader, text: str, start: int) -> dict[str, Any] | None:
    tokenized = tokenize(reader.tokenizer, text)
    word = next((word for word in tokenized.words if word.start <= start < word.end), None)
    if word is None or reader.generator is None:
        return None
    proposals = propose(reader, tokenized, [word])[0]
    return {
        "word": text[word.start : word.end],
        "start": word.start,
        "best": [[proposal.text, _rounded(proposal.probability)] for proposal in proposals.best],
        "itself": None if proposals.itself is None else _rounded(proposals.itself),
    }


def _rounded(probability: float) -> float:
    return float(f"{probability:.{_DIGITS}g}")
