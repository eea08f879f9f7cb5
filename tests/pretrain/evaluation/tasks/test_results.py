"""Means, deviations and differences over seeds, worked by hand."""

from __future__ import annotations

import pytest

from pretrain.evaluation.tasks.results import Spread, TaskResult
from pretrain.evaluation.tasks.settings import settings_for
from tests.pretrain.evaluation.tasks.toy import task_of

TASK = task_of("b")


def test_a_spread() -> None:
    spread = Spread((1.0, 2.0, 6.0))
    assert (spread.mean, spread.deviation) == (3, pytest.approx(7**0.5))
    assert Spread((1.0,)).deviation is None
    assert spread.minus(Spread((1.0, 1.0, 1.0))).values == (0, 1, 5)


def test_models_are_compared_once_they_have_the_same_seeds() -> None:
    settings = {model: settings_for(TASK, 256, 512, ()) for model in ("x", "y")}
    result = TaskResult(TASK, "f1", settings, {}, {"x": [{"f1": 0.5}, {"f1": 0.7}], "y": [{"f1": 0.25}]})
    assert result.difference("f1") is None and "difference" not in result.to_dict()
    result.seeds["y"].append({"f1": 0.5})
    difference = result.difference("f1")
    assert difference is not None and difference.values == (0.25, pytest.approx(0.2))
    assert result.to_dict()["difference"]["f1"]["mean"] == pytest.approx(0.225)
