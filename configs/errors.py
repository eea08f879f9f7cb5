"""The error that a user sees: one sentence, exit code 2, no traceback."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(ValueError):
    """Bad input. The message is one sentence with the file or key, the value, and what would be accepted."""


class Unfinished(UserError):
    """Work stopped through no fault of the input. What is done is kept; the same command goes on."""


def nearest(word: str, known: Iterable[str]) -> str:
    """`; did you mean X?` when a known word is close to `word`, else nothing."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else ""
