"""The keys of the optimizer and of the schedule that do not fit one another."""

from __future__ import annotations

from typing import Any

import pytest

from configs.common.errors import UserError
from configs.load import load, validate
from configs.recipe import Recipe
from tests.pretrain.step.test_optim import COSINE, SCHEDULE, WSD


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"matrices": "muon"}, r"optimizer\.momentum: missing; with matrices muon"),
        ({"momentum": 0.95}, r"optimizer\.momentum: 0\.95, and Adam has beta1 instead; leave it out"),
        ({"matrix_rate": 2.0}, r"optimizer\.matrix_rate: 2, and Adam has one rate for all weights; leave it out"),
        (
            {"orthogonalization": "polar_express"},
            r"optimizer\.orthogonalization: polar_express, and this is a part of Muon; leave it out",
        ),
        ({"matrices": "sgd"}, r"optimizer\.matrices"),
    ],
)
def test_the_keys_of_muon_are_stated_with_muon_alone(keys: dict[str, Any], sentence: str) -> None:
    tables = load("tiny").to_dict()
    with pytest.raises(UserError, match=sentence):
        validate(Recipe, tables | {"optimizer": tables["optimizer"] | keys}, "tiny")


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"shape": "wsd"}, r"schedule\.decay_steps: missing; with shape wsd"),
        ({"decay_steps": 5}, r"schedule\.decay_steps: 5, and linear decays over all steps; leave it out"),
        (COSINE | {"decay_steps": 0}, r"schedule\.decay_steps: 0, and cosine decays over all steps"),
        (WSD | {"decay_steps": 91}, r"schedule\.decay_steps: 91 and warmup_steps \(10\) are more than steps \(100\)"),
    ],
)
def test_steps_of_decay_that_do_not_fit_are_refused(keys: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        validate(Recipe, load("tiny").to_dict() | {"schedule": SCHEDULE | keys}, "tiny")
