"""Finds the terms of a domain in text with the Aho-Corasick algorithm. Each occurrence is masked as one unit."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import ahocorasick
import numpy as np
from numpy.typing import NDArray

from configs.common.errors import UserError
from configs.common.scripts import needs_no_spaces

# This pattern matches a line of jieba's dictionaries (fxsjy/jieba, jieba/__init__.py, re_userdict).
_JIEBA = re.compile(r"(?P<word>.+?)(?: [0-9]+)?(?: [a-zA-Z]+)?")
_WITH_FREQUENCY = re.compile(r".+? [0-9]+(?: [a-zA-Z]+)?")


class Lexicon:
    """The terms of a file (see `read_terms`). With `lowercase`, upper and lower case count as equal."""

    def __init__(self, path: Path, *, lowercase: bool):
        self._fold = _lowered if lowercase else str
        self._counts: Counter[str] = Counter()
        self.terms = read_terms(path)
        self._automaton = ahocorasick.Automaton()
        for term in self.terms:
            self._automaton.add_word(self._fold(term), term)
        self._automaton.make_automaton()

    def inner_characters(self, line: str) -> NDArray[np.bool_]:
        """Return which characters belong to a term and are not its first character, bool [characters].

        If terms overlap, the longest term counts, and of equally long terms the first.
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
        """Return how often each term occurred since the last call."""
        counts, self._counts = self._counts, Counter()
        return counts


def read_terms(path: Path) -> list[str]:
    """Return the terms of a file, without repetitions.

    The file has a term on each line, or it is a table with tabs and the terms in its first column, or it is a
    dictionary of jieba. A line of jieba's dictionary is a word, its frequency and its tag; the last two may be missing.
    A file counts as such a dictionary when most of its lines have a frequency. Raises UserError when the file cannot be
    read or holds no term.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"masking.lexicon: {path} cannot be read ({error}); name a text file in UTF-8 with a term on each line"
        ) from None
    # `split` also treats no-break spaces, and spaces that are as wide as a Chinese character, as ordinary spaces.
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
    """Return `text` in lower case, with the same number of characters.

    A character whose lower case would be several characters stays as it is.
    """
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def _stands_alone(line: str, start: int, end: int) -> bool:
    """Return whether the term in [start, end) begins and ends at word borders. Scripts without spaces have none."""
    before, after = line[start - 1 : start], line[end : end + 1]
    return not (_joins(before) and _joins(line[start])) and not (_joins(after) and _joins(line[end - 1]))


def _joins(character: str) -> bool:
    """Return whether the character can be part of a word in a script that puts spaces between words."""
    return character.isalnum() and not needs_no_spaces(character)
