"""The estimates of the parts in proportion to one another by hand: the speed of this machine cancels out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from launch.adapt.calibration import flops_of_rows
from launch.adapt.checks import Checked
from launch.adapt.estimate import seconds_of_parts
from launch.adapt.order import Order
from launch.adapt.parts import Part

START = 10.0
# The steps read 6 x 8 rows. Both corpora are evaluated on 16 rows before, amid and after them, at a third of the FLOPs.
TRAINED_ROWS = 6 * 8 + 3 * 16 * 2 / 3


def _computing(order: Order, checked: Checked, parts: list[Part]) -> dict[str, float]:
    """Return the seconds of the parts beyond the time that each needs to start."""
    measured = [part for part in parts if part.name not in ("domain", "general")]
    return {name: seconds - START for name, seconds in seconds_of_parts(order, checked, measured).items()}


def test_scoring_takes_a_third_of_the_flops_of_training(order: Order, checked: Checked, parts: list[Part]) -> None:
    seconds = _computing(order, checked, parts)
    assert seconds["export"] == 0
    scored_rows = order.rows * 2 / 3
    for name in ("before", "after", "own"):
        assert seconds["pretrain"] / seconds[name] == pytest.approx(TRAINED_ROWS / scored_rows), name


@pytest.mark.parametrize("seeds", [2, 6])
def test_fine_tuning_by_hand(seeds: int, order: Order, checked: Checked, parts: list[Part]) -> None:
    """Both models learn 12 texts of 32 tokens and predict 8 of them, with the discriminator alone."""
    seconds = _computing(replace(order, seeds=seeds), checked, parts)
    forward = 32 * 2 * (16 * 32 + 2 * (4 * 32**2 + 2 * 32 * 64)) + 32**2 * 2 * 4 * 32
    flops = 2 * seeds * (12 + 8 / 3) * 3 * forward
    expected = flops / flops_of_rows(checked.recipe, TRAINED_ROWS)
    assert seconds["task kinds"] / seconds["pretrain"] == pytest.approx(expected)


def test_a_preparation_is_measured_on_its_own_text(order: Order, checked: Checked, parts: list[Part]) -> None:
    preparations = [part for part in parts if part.name in ("domain", "general")]
    seconds = seconds_of_parts(order, checked, preparations)
    assert list(seconds) == ["domain", "general"] and all(value > START for value in seconds.values())
