"""Each token is scored once, in the window where it has the most context."""

from __future__ import annotations

import math

import pytest

from pretrain.proofread.windows import Window, windows


def context(token: int, window: Window, num_tokens: int) -> float:
    """The tokens on the shorter side of a token; the border of the text is no border of its context."""
    left = token - window.start if window.start else math.inf
    right = window.end - 1 - token if window.end < num_tokens else math.inf
    return min(left, right)


@pytest.mark.parametrize("num_tokens", [0, 1, 7, 8])
def test_a_text_that_fits_is_one_window(num_tokens: int) -> None:
    assert windows(num_tokens, 8) == [Window(0, num_tokens, 0, num_tokens)]


def test_the_windows_of_a_short_text_are_those_worked_by_hand() -> None:
    assert windows(10, 4) == [Window(0, 4, 0, 3), Window(2, 6, 3, 5), Window(4, 8, 5, 7), Window(6, 10, 7, 10)]
    assert windows(9, 8) == [Window(0, 8, 0, 4), Window(1, 9, 4, 9)]


@pytest.mark.parametrize("size", [2, 3, 4, 7, 8, 126])
@pytest.mark.parametrize("extra", [1, 2, 3, 5, 60, 200, 377])
def test_every_token_is_scored_once_where_it_has_the_most_context(size: int, extra: int) -> None:
    num_tokens = size + extra
    cuts = windows(num_tokens, size)
    assert [token for cut in cuts for token in range(cut.first, cut.last)] == [*range(num_tokens)]
    for cut in cuts:
        assert cut.end - cut.start == size
        assert 0 <= cut.start <= cut.first < cut.last <= cut.end <= num_tokens
        for token in range(cut.first, cut.last):
            seen = [other for other in cuts if other.start <= token < other.end]
            assert context(token, cut, num_tokens) >= max(context(token, other, num_tokens) for other in seen)
            assert context(token, cut, num_tokens) >= size // 4 - 1
