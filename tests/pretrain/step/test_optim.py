"""The optimizer and the schedule, against Google's numbers and against numbers worked by hand."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from transformers.optimization import (
    get_cosine_schedule_with_warmup,
    get_linear_schedule_with_warmup,
    get_wsd_schedule,
)

from configs.load import load
from configs.update_tables import OptimizerTable, ScheduleTable
from pretrain.step.optim import ElectraAdam, learning_rate
from tests.pretrain.google import GOLDEN

SETTINGS = load("small").optimizer


def test_google_optimizer_on_given_gradients() -> None:
    arrays = np.load(GOLDEN / "tf_optimizer.npz")
    facts = json.loads((GOLDEN / "tf_optimizer.json").read_text())
    decayed = facts["weight_decay"]
    parameters = {name: nn.Parameter(torch.from_numpy(arrays[f"init/{name}"].copy())) for name in decayed}
    groups = [
        {"params": [parameters[name] for name in decayed if decayed[name] == flag], "weight_decay": rate}
        for flag, rate in ((True, facts["create_optimizer"]["weight_decay_rate"]), (False, 0.0))
    ]
    optimizer = ElectraAdam(groups, SETTINGS)
    for step in range(12):
        for name, parameter in parameters.items():
            parameter.grad = torch.from_numpy(arrays[f"grads/{name}"][step].copy())
        norm = torch.nn.utils.clip_grad_norm_(parameters.values(), facts["clip_norm"])
        assert float(norm) == pytest.approx(float(arrays["global_norm"][step]), rel=1e-5)
        for group in optimizer.param_groups:
            group["lr"] = float(arrays["lr"][step])
        optimizer.step()
        for name, parameter in parameters.items():
            expected = torch.from_numpy(arrays[f"states/{name}"][step].copy())
            torch.testing.assert_close(parameter.detach(), expected, atol=1e-6, rtol=1e-5, msg=f"{name} at {step}")


def test_bias_correction_is_that_of_adamw() -> None:
    torch.manual_seed(0)
    weight = nn.Parameter(torch.randn(5, 3))
    reference_weight = nn.Parameter(weight.detach().clone())
    settings = SETTINGS.model_copy(update={"bias_correction": True})
    optimizer = ElectraAdam([{"params": [weight], "weight_decay": 0.1}], settings)
    reference = torch.optim.AdamW([reference_weight], lr=0.01, betas=(0.9, 0.999), eps=1e-6, weight_decay=0.1)
    for _ in range(20):
        gradient = torch.randn(5, 3)
        weight.grad, reference_weight.grad = gradient.clone(), gradient.clone()
        optimizer.param_groups[0]["lr"] = 0.01
        optimizer.step()
        reference.step()
    torch.testing.assert_close(weight, reference_weight, atol=1e-6, rtol=1e-5)


SCHEDULE = {"steps": 100, "warmup_steps": 10, "decay_power": 1.0, "warmup": "multiplied"}
BEFORE = {"warmup": "before"}
COSINE = {"shape": "cosine"}
WSD = {"shape": "wsd", "decay_steps": 25}


def rate(step: int, keys: dict[str, Any]) -> float:
    """The rate of a step with the highest rate 0.1."""
    optimizer = OptimizerTable.model_validate({**SETTINGS.model_dump(), "learning_rate": 0.1})
    return learning_rate(step, optimizer, ScheduleTable.model_validate(SCHEDULE | keys))


@pytest.mark.parametrize(
    ("keys", "step", "expected"),
    [
        # 0.1 * min(1, t / 10) * (1 - t / 100)
        ({}, 0, 0.0),
        ({}, 5, 0.1 * 0.5 * 0.95),
        ({}, 10, 0.1 * 0.90),
        ({}, 55, 0.1 * 0.45),
        ({}, 99, 0.1 * 0.01),
        ({"decay_power": 2.0}, 50, 0.1 * 0.25),
        # 0.1 * t / 10, then 0.1 * (1 - (t - 10) / 90)
        (BEFORE, 5, 0.05),
        (BEFORE, 10, 0.1),
        (BEFORE, 55, 0.05),
        (BEFORE, 99, 0.1 / 90),
        # 0.1 * (1 + cos(pi * t / 100)) / 2; before: 0.1 * (1 + cos(pi * (t - 10) / 90)) / 2
        (COSINE, 5, 0.05 * 0.9938441702975689),
        (COSINE, 50, 0.05),
        (COSINE, 75, 0.1 * 0.1464466094067262),
        (COSINE | BEFORE, 10, 0.1),
        (COSINE | BEFORE, 40, 0.1 * 0.75),
        (COSINE | BEFORE, 70, 0.1 * 0.25),
        # 0.1 until step 75, then 0.1 * (1 - sqrt((t - 75) / 25))
        (WSD, 5, 0.05),
        (WSD, 10, 0.1),
        (WSD, 75, 0.1),
        (WSD, 76, 0.1 * 0.8),
        (WSD, 79, 0.1 * 0.6),
        (WSD, 84, 0.1 * 0.4),
        (WSD | BEFORE, 91, 0.1 * 0.2),
        (WSD | {"decay_power": 2.0}, 84, 0.1 * 0.16),
        ({"shape": "wsd", "decay_steps": 0}, 99, 0.1),
        # the whole run is a decay
        ({"shape": "wsd", "decay_steps": 100, "warmup_steps": 0}, 0, 0.1),
        ({"shape": "wsd", "decay_steps": 100, "warmup_steps": 0}, 49, 0.1 * 0.3),
    ],
)
def test_the_learning_rate_by_hand(keys: dict[str, Any], step: int, expected: float) -> None:
    assert rate(step, keys) == pytest.approx(expected, rel=1e-12)


def test_the_schedules_are_those_of_transformers() -> None:
    def of_transformers(make: Any, **options: Any) -> list[float]:
        schedule = make(torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1), **options)
        rates = []
        for _ in range(SCHEDULE["steps"]):
            rates.append(schedule.get_last_lr()[0])
            schedule.optimizer.step()
            schedule.step()
        return rates

    steps = {"num_warmup_steps": 10, "num_training_steps": 100}
    for keys, expected in (
        (BEFORE, of_transformers(get_linear_schedule_with_warmup, **steps)),
        (COSINE | BEFORE, of_transformers(get_cosine_schedule_with_warmup, **steps)),
        (WSD, of_transformers(get_wsd_schedule, num_decay_steps=25, decay_type="1-sqrt", **steps)),
    ):
        assert [rate(step, keys) for step in range(100)] == pytest.approx(expected, rel=1e-12), keys
