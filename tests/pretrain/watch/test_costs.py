"""Waiting and speed of histories made by hand."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.histories import judged, trained


def _logged(name: str, values: Sequence[float]) -> list[dict]:
    return [trained(10 * number, **{name: value}) for number, value in enumerate(values, 1)]


@pytest.mark.parametrize(
    ("shares", "sentence"),
    [
        ([0.9, 0.01, 0.02, 0.01, 0.9], None),  # a slow first step, and one other
        ([0.0, 0.0, 0.1, 0.9, 0.9], None),
        ([0.01, 0.01, 0.11, 0.2, 0.3], "training waits for data in 11% of its time"),
    ],
)
def test_waiting_for_data_is_the_median_of_five_lines(shares: list[float], sentence: str | None) -> None:
    assert judged("data wait", *_logged("data_wait_share", shares)) == {50: sentence}


def test_too_few_lines_say_nothing() -> None:
    assert judged("data wait", *_logged("data_wait_share", [0.9] * 4)) == {}
    assert judged("throughput", *_logged("tokens_per_second", [900.0] * 4 + [1.0] * 5)) == {}


def test_a_speed_below_half_of_the_median() -> None:
    """The median of six values of 1000 and five of 499 is 1000."""
    slow = _logged("tokens_per_second", [1000.0] * 6 + [499.0] * 5)
    assert judged("throughput", *slow)[110] == "training makes 499 tokens/s, and 1,000 is the median since step 0"
    assert judged("throughput", *_logged("tokens_per_second", [1000.0] * 6 + [501.0] * 5))[110] is None


def test_another_machine_is_not_compared() -> None:
    """Half of the lines are of an earlier start, which was ten times as fast and never waited."""
    lines = _logged("tokens_per_second", [1000.0] * 10 + [100.0] * 10)
    assert set(judged("throughput", *lines, newest_start=100).values()) == {None}
    waits = _logged("data_wait_share", [0.5] * 10 + [0.0] * 10)
    assert set(judged("data wait", *waits, newest_start=100).values()) == {None}
