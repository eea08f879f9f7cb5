"""The error that a user sees: one sentence, exit code 2, no traceback."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(ValueError):
    """Bad input. The message is one sentence with the file or key, the value, and what would be accepted."""


# The exit code of work that stopped and can be continued: EX_TEMPFAIL of sysexits.h, "try the same again".
STOPPED = 75


class Unfinished(UserError):
    """Work stopped through no fault of the input. What is done is kept; the same command goes on. Exit code 75."""


def nearest(word: str, known: Iterable[str]) -> str:
    """`; did you mean X?` when a known word, or the last part of a dotted one, is close to `word`; else nothing."""
    words = {known_word: known_word for known_word in known}
    leaves = {known_word.rpartition(".")[2]: known_word for known_word in words}
    close = difflib.get_close_matches(word, [*words, *leaves], n=1, cutoff=0.6)
    return f"; did you mean {(words | leaves)[close[0]]}?" if close else ""
