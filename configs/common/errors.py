"""A user sees these errors as a sentence and an exit code, without a traceback.

`UserError` and `Unfinished` are siblings, so nothing that catches one of them catches the other. Code that reports
errors, or passes them on to other processes, catches `ElectraError` and keeps its exit code.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

EXIT_USER_ERROR = 2
# This is EX_TEMPFAIL of sysexits.h: "try the same again". Schedulers restart a job that exits with this code.
EXIT_UNFINISHED = 75
# If there are more choices than this, the sentence does not list them.
_MOST_LISTED = 40


class ElectraError(Exception):
    """An error whose message is a sentence for the user. Only its two subclasses are raised."""

    exit_code: int


class UserError(ElectraError):
    """The input is bad. The message is a sentence with the file or key, the value, and the accepted values."""

    exit_code = EXIT_USER_ERROR


class Unfinished(ElectraError):
    """Work was stopped although the input is good. The same command, given again, continues it."""

    exit_code = EXIT_UNFINISHED


def unknown(kind: str, word: str, choices: Iterable[str], remedy: str = "") -> str:
    """Return `unknown KIND WORD`, followed by a choice with a similar spelling, or by all choices and the `remedy`.

    A dotted choice is also recognised by its last part. Example: `unknown key model.dropot; did you mean
    model.dropout?`
    """
    words = list(choices)
    leaves = {choice.rpartition(".")[2]: choice for choice in words}
    by_spelling = leaves | {choice: choice for choice in words}
    close = difflib.get_close_matches(word, by_spelling, n=1, cutoff=0.6)
    if close:
        return f"unknown {kind} {word}; did you mean {by_spelling[close[0]]}?"
    listed = f"; there are {', '.join(words)}" if words and len(words) <= _MOST_LISTED else ""
    return f"unknown {kind} {word}{listed}{remedy}"
