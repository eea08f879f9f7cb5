"""The terms of a domain, found in a text by the Aho-Corasick algorithm: each occurrence is masked as one unit."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import ahocorasick
import numpy as np
from numpy.typing import NDArray

from configs.common.errors import UserError
from configs.common.scripts import needs_no_spaces

# A line of jieba's dictionaries (fxsjy/jieba, jieba/__init__.py, re_userdict).
_JIEBA = re.compile(r"(?P<word>.+?)(?: [0-9]+)?(?: [a-zA-Z]+)?")
_WITH_FREQUENCY = re.compile(r".+? [0-9]+(?: [a-zA-Z]+)?")


class Lexicon:
    """The terms of a file (`read_terms`). Upper and lower case are the same where the vocabulary lowercases."""

    def __init__(self, path: Path, *, lowercase: bool):
        self._fold = _lowered if lowercase else str
        self._counts: Counter[str] = Counter()
        self.terms = read_terms(path)
        self._automaton = ahocorasick.Automaton()
        for term in self.terms:
            self._automaton.add_word(self._fold(term), term)
        self._automaton.make_automaton()

    def inner_characters(self, line: str) -> NDArray[np.bool_]:
        """[characters]: whether a character belongs to a term and is not its first.

        Of terms that overlap, the longest counts, and of equally long terms the first.
        """
        matches = [(end + 1 - len(term), end + 1, term) for end, term in self._automaton.iter(self._fold(line))]
        taken, inner = np.zeros(len(line), bool), np.zeros(len(line), bool)
        for start, end, term in sorted(matches, key=lambda match: (match[0] - match[1], match[0])):
            if not taken[start:end].any() and _stands_alone(line, start, end):
                taken[start:end] = True
                inner[start + 1 : end] = True
                self._counts[term] += 1
        return inner

    def take_counts(self) -> Counter[str]:
        """How often each term occurred since the last call."""
        counts, self._counts = self._counts, Counter()
        return counts


def read_terms(path: Path) -> list[str]:
    """The terms of a file, each once: one a line, a table whose first column they are, or jieba's dictionary.

    jieba's lines are a word, its frequency and its tag, the last two of which may be missing; a file is read so when
    most of its lines have a frequency. Raises UserError when the file cannot be read or holds no term.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"masking.lexicon: {path} cannot be read ({error}); name a text file in UTF-8 with a term on each line"
        ) from None
    # A space that does not break, or that is as wide as a Chinese character, is a space.
    terms = list(dict.fromkeys(filter(None, (" ".join(word.split()) for word in _first_column(lines)))))
    if not terms:
        raise UserError(f"masking.lexicon: {path} holds no term; put a term on each line")
    return terms


def _first_column(lines: list[str]) -> list[str]:
    lines = [line.strip() for line in lines if line.strip()]
    if any("\t" in line for line in lines):
        return [line.partition("\t")[0] for line in lines]
    if sum(_WITH_FREQUENCY.fullmatch(line) is not None for line in lines) > len(lines) / 2:
        return [match["word"] for line in lines if (match := _JIEBA.fullmatch(line))]
    return lines


def _lowered(text: str) -> str:
    """`text` in lower case, with as many characters as before: a character that would become several stays."""
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def _stands_alone(line: str, start: int, end: int) -> bool:
    """Whether the term in [start, end) begins and ends at a border of words, in scripts that have them."""
    before, after = line[start - 1 : start], line[end : end + 1]
    return not (_joins(before) and _joins(line[start])) and not (_joins(after) and _joins(line[end - 1]))


def _joins(character: str) -> bool:
    """Whether it may be inside a word of a script with spaces."""
    return character.isalnum() and not needs_no_spaces(character)
