"""Tokens per second: a measurement of the same networks, or else an estimate from what others reach."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from configs.load import load
from launch import throughput as throughputs
from launch.cli import app
from launch.plan import plan
from launch.throughput import Measurement, practice


def test_a_measurement_stands_over_the_estimate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throughputs, "MEASURED", (Measurement("h200", "base", 512, 5e5, "a command, a day"),))
    measured = plan(load("base", ["schedule.steps=20000"]), 8, "h200")
    assert measured.hours == pytest.approx(2 * [20_000 * 256 * 512 / (8 * 5e5) / 3600])
    assert "a command, a day" in CliRunner().invoke(app, ["plan", "base", "--gpu", "h200"]).stdout
    falls = ["corruption.masking_rate_end=0.1", "corruption.masking_rate_steps=20000"]
    for other in (["data.row_length=128"], ["masking.rate=0.25"], ["model.embedding=512"], falls):
        assert not plan(load("base", other), 8, "h200").throughput.source


def test_others_are_compared_by_width() -> None:
    assert [practice(load(name))[0] for name in ("tiny", "small", "base", "large")] == [0.057, 0.057, 0.187, 0.341]
