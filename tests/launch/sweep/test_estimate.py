"""The dry run of a sweep: FLOPs by the rows that are left, and times by a speed."""

from __future__ import annotations

import pytest

from launch.adapt.calibration import flops_of_rows, flops_of_training
from launch.plan import plan
from launch.sweep.definition import Sweep
from launch.sweep.estimate import estimate_lines, speed_here, speed_on


def test_the_runs_that_are_left(sweep: Sweep) -> None:
    flops = flops_of_training(sweep.recipe("wide"))
    lines = list(estimate_lines(sweep, lambda recipe: flops / 90))
    assert lines[:5] == [f"{trial}: finished" for trial in sweep.trials[:5]]
    assert lines[5] == f"wide, seed 2: not begun; {flops / 1e15:.3g} PFLOP, about 90 seconds"
    assert lines[6] == (
        f"1 of 6 runs are left: {flops / 1e15:.3g} PFLOP in full rows, about 90 seconds one after the other"
    )


def test_without_a_speed_there_is_no_time(sweep: Sweep) -> None:
    assert not any("about" in line for line in estimate_lines(sweep, None))


def test_the_speed_of_gpus_is_that_of_the_plan(sweep: Sweep) -> None:
    recipe = sweep.recipe("wide")
    _, most = plan(recipe, 2, "h200").hours
    assert speed_on("h200", 2)(recipe) * 3600 * most == pytest.approx(flops_of_rows(recipe, 4 * 8))


def test_the_speed_of_this_machine_is_measured(sweep: Sweep) -> None:
    assert speed_here(sweep.recipe("wide")) > 0
