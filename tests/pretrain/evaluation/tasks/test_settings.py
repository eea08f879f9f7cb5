"""Fine-tuning uses the published numbers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from configs.common.errors import UserError
from pretrain.evaluation.tasks.reading.task import Choice, Relation, Relations, Terms
from pretrain.evaluation.tasks.settings import settings_for
from tests.pretrain.evaluation.tasks.toy import task_of


def test_the_numbers_are_the_papers() -> None:
    rates = [settings_for(task_of("b"), hidden, 512, ()).learning_rate for hidden in (256, 768, 1024)]
    assert rates == [3e-4, 1e-4, 5e-5]
    assert [settings_for(replace(task_of("b"), name=name), 256, 512, ()).epochs for name in ("RTE", "STS-B", "x")] == [
        10,
        10,
        3,
    ]


def test_the_numbers_are_the_baselines() -> None:
    """(epochs, length): C3 and CHID of CLUE, CHIP-CDN of CBLUE, CMeIE of ERNIE-Health."""
    asked = {
        (8, 512): task_of(Choice(("a", "b"), 0)),
        (3, 64): task_of(Choice(("a", "b"), 0, blank=0)),
        (100, 300): task_of(Relations((Relation("a", "p", "b"),)), "ab"),
    }
    for (epochs, length), toy_task in asked.items():
        settings = settings_for(toy_task, 256, 512, ())
        assert (settings.epochs, settings.length) == (epochs, length)
        assert settings.batch == (12 if epochs == 100 else 32)
    settings = settings_for(task_of(Terms(("a",))), 256, 512, ())
    assert (settings.epochs, settings.length, settings.negatives) == (3, 64, 3)


def test_a_length_above_the_positions_of_the_model_is_refused() -> None:
    assert settings_for(task_of("b"), 256, 64, ("length=64",)).length == 64
    with pytest.raises(UserError, match=r"--task: length: 65, and the model has 64 positions"):
        settings_for(task_of("b"), 256, 64, ("length=65",))
