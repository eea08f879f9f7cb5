"""Errors that a user sees are clear sentences."""

from __future__ import annotations

import pytest

from configs.common.errors import ElectraError, Unfinished, UserError, unknown


def test_neither_kind_of_error_is_caught_as_the_other() -> None:
    for error, other in ((Unfinished, UserError), (UserError, Unfinished)):
        assert issubclass(error, ElectraError)
        assert not issubclass(error, other)
        assert not issubclass(error, (ValueError, OSError, RuntimeError)), "would be caught as a fault of the code"


def test_exit_codes() -> None:
    assert (UserError.exit_code, Unfinished.exit_code) == (2, 75)


@pytest.mark.parametrize(
    ("word", "choices", "sentence"),
    [
        ("smal", ("tiny", "small"), "unknown size smal; did you mean small?"),
        ("rate", ("optimizer.rate", "model.layers"), "unknown size rate; did you mean optimizer.rate?"),
        ("x", ("tiny", "small"), "unknown size x; there are tiny, small, or others"),
        ("x", map(str, range(99)), "unknown size x, or others"),
        ("x", (), "unknown size x, or others"),
    ],
)
def test_unknown_offers_the_nearest_choice_or_all_when_they_are_few(
    word: str, choices: tuple[str, ...], sentence: str
) -> None:
    assert unknown("size", word, choices, ", or others") == sentence
