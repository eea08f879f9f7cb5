"""Terms of a domain in a text: each occurrence is masked as one unit. Found by Aho-Corasick, the longest first."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import ahocorasick
import numpy as np
from numpy.typing import NDArray

from configs.common.errors import UserError


class Lexicon:
    """A file with a term on each line. Upper and lower case are one where the vocabulary says so."""

    def __init__(self, path: Path, *, lowercase: bool):
        self._fold = _lowered if lowercase else str
        self._found: Counter[str] = Counter()
        self.terms = read_terms(path)
        self._automaton = ahocorasick.Automaton()
        for term in self.terms:
            self._automaton.add_word(self._fold(term), term)
        self._automaton.make_automaton()

    def inner_characters(self, line: str) -> NDArray[np.bool_]:
        """[characters]: those behind the first of a term. Terms that overlap: the longest, then the first."""
        matches = [(end + 1 - len(term), end + 1, term) for end, term in self._automaton.iter(self._fold(line))]
        taken, inner = np.zeros(len(line), bool), np.zeros(len(line), bool)
        for start, end, term in sorted(matches, key=lambda match: (match[0] - match[1], match[0])):
            if not taken[start:end].any() and _stands_alone(line, start, end):
                taken[start:end] = True
                inner[start + 1 : end] = True
                self._found[term] += 1
        return inner

    def take_found(self) -> Counter[str]:
        """How often each term was found since this was last asked."""
        found, self._found = self._found, Counter()
        return found


def read_terms(path: Path) -> list[str]:
    """The terms of a file, each once; raises UserError when it cannot be read or holds none."""
    try:
        terms = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"masking.lexicon: {path} cannot be read ({error}); name a text file, a term on each line"
        ) from None
    terms = list(dict.fromkeys(filter(None, terms)))
    if not terms:
        raise UserError(f"masking.lexicon: {path} holds no term")
    return terms


def _lowered(text: str) -> str:
    """In lower case, character by character where that would change their number."""
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def _stands_alone(line: str, start: int, end: int) -> bool:
    """Whether the term does not begin or end within a word of a script with spaces."""
    before, after = line[start - 1 : start], line[end : end + 1]
    return not (_joins(before) and _joins(line[start])) and not (_joins(after) and _joins(line[end - 1]))


def _joins(character: str) -> bool:
    return character.isalnum() and not "\u2e80" <= character <= "\u9fff" and not "\uf900" <= character <= "\ufaff"
