"""What fits into a budget, by hand: tokens are tokens per second times seconds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from configs.load import from_tables, load, read
from configs.recipe import Recipe
from launch import throughput as throughputs
from launch.budget import fits, lines
from launch.cli import app
from launch.throughput import Measurement

CLUSTERS = (Path(__file__).parent.parent.parent / "docs/clusters.md").read_text(encoding="utf-8")
# base takes 766,000 steps of 256 x 512 tokens, which are 100.4 G tokens: 50,200 seconds on eight GPUs at 250,000 each.
BASE = Measurement("h200", "base", 512, 250_000, "a command, a day")


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Recipe:
    monkeypatch.setattr(throughputs, "MEASURED", (BASE,))
    return load("base")


def test_a_measured_recipe_by_hand(measured: Recipe) -> None:
    everything, reasons = fits(measured, 20, 8, "h200")
    base = next(fit for fit in everything if fit.plan.recipe is measured)
    assert base.tokens == pytest.approx((144e9, 144e9)) and not reasons
    assert base.shares == pytest.approx((1.43424, 1.43424), rel=1e-4)
    # 144 G tokens are 1,098,632 steps.
    assert base.steps == (1_000_000, 1_000_000)


def test_recipes_with_the_same_vocabulary_are_compared() -> None:
    everything, _ = fits(load("small"), 24, 1, "h200")
    assert [fit.plan.recipe.name for fit in everything] == ["small_fast", "small", "small_pp", "base", "large"]
    parameters = [fit.plan.parameters for fit in everything]
    assert parameters == sorted(parameters)


def test_a_recipe_that_the_gpus_cannot_train_is_left_out_with_its_reason() -> None:
    everything, reasons = fits(load("zh_large"), 24, 96, "h200")
    assert [fit.plan.recipe.name for fit in everything] == ["zh_small_ex", "zh_large"]
    assert any("zh_base: batch.rows: 256 rows do not divide among 96" in reason for reason in reasons)


@pytest.mark.parametrize(
    ("hours", "sentence"),
    [
        (24, "the largest recipe whose own run fits is small, and small_pp at the higher tokens/s"),
        (1e6, "the largest recipe whose own run fits is large"),
        (1, "the own run of small fits at the higher tokens/s alone, and no recipe's at the lower"),
        (0.1, "no recipe's own run fits; a shorter run of the smallest one learns most of what fits"),
    ],
)
def test_the_largest_recipe_that_fits(hours: float, sentence: str) -> None:
    assert sentence in list(lines(load("small"), hours, 1, "h200"))


@pytest.mark.parametrize("name", ["small", "base", "zh_base"])
def test_the_schedules_are_recipes(name: str) -> None:
    shown = "\n".join(lines(load(name), 24, 8, "a100"))
    schedules = re.findall(r"^  (?:certain|flexible) +(.+?):", shown, re.MULTILINE)
    assert len(schedules) == 2
    for overrides in schedules:
        from_tables(read(name, overrides.split()), name)


def test_a_short_run_warms_up_in_a_tenth_of_its_steps() -> None:
    """At 5.7 % of 989 TFLOP/s and 70.1 MFLOP for a token, small takes 49.1 steps of 128 x 128 tokens a second."""
    shown = "\n".join(lines(load("small"), 0.1, 1, "h200"))
    assert "certain      schedule.steps=17000 schedule.warmup_steps=1700: the linear decay" in shown
    of_wsd = load("small", ["schedule.shape=wsd", "schedule.decay_steps=100000"])
    assert "schedule.warmup_steps=1700 schedule.decay_steps=1700: the wsd decay" in "\n".join(
        lines(of_wsd, 0.1, 1, "h200")
    )


def test_too_little_for_a_step() -> None:
    assert "not one step of large fits at the lower tokens/s" in list(lines(load("large"), 0.0003, 1, "t4"))


def test_a_source_is_named_for_every_figure(measured: Recipe) -> None:
    shown = "\n".join(lines(measured, 20, 8, "h200"))
    assert shown.startswith("an estimate of what fits into 20 hours of 8 x h200 (NVIDIA H200 Tensor Core GPU, SXM)")
    assert "tokens/s     base: a command, a day" in shown and "large: at best the roofline" in shown


def test_the_example_is_what_is_printed() -> None:
    shown = re.search(r"```\n\$ electra (plan .+--budget.+)\n([\s\S]+?)```", CLUSTERS)
    assert shown and CliRunner().invoke(app, shown[1].split()).stdout == shown[2]
