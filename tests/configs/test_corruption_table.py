"""The temperature and the masking rate of every step, and keys that do not fit each other."""

from __future__ import annotations

import pytest

from configs.common.errors import UserError
from configs.load import load

FALLS = ("corruption.temperature_start=3.0", "corruption.temperature_steps=4")
FEWER = ("corruption.masking_rate_end=0.05", "corruption.masking_rate_steps=4")


def test_the_temperature_falls_in_equal_parts() -> None:
    table = load("tiny", FALLS).corruption
    assert [table.temperature_at(step) for step in (0, 1, 2, 3, 4, 5, 1000)] == [3.0, 2.5, 2.0, 1.5, 1.0, 1.0, 1.0]
    assert load("tiny").corruption.temperature_at(0) == 1.0


def test_the_masking_rate_falls_in_equal_parts() -> None:
    table = load("tiny", FEWER).corruption
    rates = [table.masking_rate_at(step, 0.25) for step in (0, 1, 2, 3, 4, 5, 1000)]
    assert rates == pytest.approx([0.25, 0.2, 0.15, 0.1, 0.05, 0.05, 0.05], rel=1e-15)
    assert (rates[0], rates[-1]) == (0.25, 0.05)
    assert load("tiny").corruption.masking_rate_at(7, 0.3) == 0.3


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (FEWER[:1], r"corruption\.masking_rate_steps: missing; masking_rate_end and masking_rate_steps are stated"),
        (FEWER[1:], r"corruption\.masking_rate_end: missing"),
        (("corruption.masking_rate_end=0.0", FEWER[1]), r"corruption\.masking_rate_end: 0\.0 is not greater than 0"),
        ((FEWER[0], "corruption.masking_rate_steps=0"), r"corruption\.masking_rate_steps: 0 is not"),
        ((*FEWER, "masking.rate=0.05"), r"masking_rate_end: 0\.05 is not below masking\.rate \(0\.05\)"),
        (("corruption.masking_rate_end=0.001", FEWER[1]), r"masking_rate_end: 0\.001 leaves no slot in a row of 128"),
    ],
)
def test_a_masking_rate_that_does_not_fall_is_refused(overrides: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        load("tiny", overrides)


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (FALLS[:1], r"corruption\.temperature_steps: missing; temperature_start and temperature_steps are stated"),
        (FALLS[1:], r"corruption\.temperature_start: missing"),
        ((*FALLS, "corruption.temperature=3.0"), r"corruption\.temperature_start: 3 is not above temperature \(3\)"),
    ],
)
def test_a_temperature_that_does_not_fall_is_refused(overrides: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        load("tiny", overrides)
