"""The optimizer and the schedule, against Google's numbers and against numbers worked by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from torch import nn

from configs.load import load
from configs.training_tables import OptimizerTable, ScheduleTable
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
    ours = nn.Parameter(torch.randn(5, 3))
    theirs = nn.Parameter(ours.detach().clone())
    settings = SETTINGS.model_copy(update={"bias_correction": True})
    optimizer = ElectraAdam([{"params": [ours], "weight_decay": 0.1}], settings)
    reference = torch.optim.AdamW([theirs], lr=0.01, betas=(0.9, 0.999), eps=1e-6, weight_decay=0.1)
    for _ in range(20):
        gradient = torch.randn(5, 3)
        ours.grad, theirs.grad = gradient.clone(), gradient.clone()
        optimizer.param_groups[0]["lr"] = 0.01
        optimizer.step()
        reference.step()
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(
    ("warmup", "step", "rate"),
    [
        # 0.1 * min(1, t / 10) * (1 - t / 100)
        ("multiplied", 0, 0.0),
        ("multiplied", 5, 0.1 * 0.5 * 0.95),
        ("multiplied", 10, 0.1 * 0.90),
        ("multiplied", 55, 0.1 * 0.45),
        ("multiplied", 99, 0.1 * 0.01),
        # 0.1 * t / 10, then 0.1 * (1 - (t - 10) / 90)
        ("before", 5, 0.05),
        ("before", 10, 0.1),
        ("before", 55, 0.05),
        ("before", 99, 0.1 / 90),
    ],
)
def test_the_learning_rate_by_hand(warmup: str, step: int, rate: float) -> None:
    optimizer = OptimizerTable.model_validate({**SETTINGS.model_dump(), "learning_rate": 0.1})
    table = {"steps": 100, "warmup_steps": 10, "decay_power": 1.0, "warmup": warmup}
    schedule = ScheduleTable.model_validate(table)
    assert learning_rate(step, optimizer, schedule) == pytest.approx(rate, rel=1e-12)
