"""Google's Adam and its schedule (google-research/electra, model/optimization.py), and two other schedules."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from configs.update_tables import OptimizerTable, ScheduleTable

MOMENTS = ("exp_avg", "exp_avg_sq")


def learning_rate(step: int, optimizer: OptimizerTable, schedule: ScheduleTable) -> float:
    """The rate of update number `step`, counted from 0. With a multiplied warm-up the first rate is 0."""
    warmup = min(1.0, step / schedule.warmup_steps) if schedule.warmup_steps else 1.0
    return optimizer.learning_rate * warmup * _decay(step, schedule) ** schedule.decay_power


def _decay(step: int, schedule: ScheduleTable) -> float:
    """The share of the highest rate that the decay leaves.

    `wsd` has the three phases of MiniCPM (arXiv 2404.06395, section 4). Its decay is the form 1 - sqrt(x) of Hägele et
    al. (arXiv 2405.18392), which ends at 0 and was better than a linear decay there.
    """
    first = schedule.first_decay_step
    progress = (step - first) / (schedule.steps - first) if step > first else 0.0
    match schedule.shape:
        case "linear":
            return 1 - progress
        case "wsd":
            return 1 - math.sqrt(progress)
        case "cosine":
            return (1 + math.cos(math.pi * progress)) / 2


class ElectraAdam(torch.optim.Optimizer):
    """Adam with decoupled decay, epsilon outside the root, and bias correction only if the recipe asks for it.

    update = m / (sqrt(v) + epsilon) + weight_decay * p;  p -= rate * update

    Where `found_inf` is 1, a step changes neither weights nor moments nor their count. It is a scalar on the device of
    the parameters, named as in torch's GradScaler, so the CPU does not wait to learn whether the step was skipped.
    """

    # torch's wrapper of this method imports its compiler, which takes a second of every start.
    add_param_group = inspect.unwrap(torch.optim.Optimizer.add_param_group)

    def __init__(self, groups: Iterable[dict[str, Any]], settings: OptimizerTable):
        defaults = {
            "lr": 0.0,
            "betas": (settings.beta1, settings.beta2),
            "eps": settings.epsilon,
            "bias_correction": settings.bias_correction,
            "weight_decay": settings.weight_decay,
            "moments": MOMENTS,
        }
        super().__init__(groups, defaults)
        device = self.param_groups[0]["params"][0].device
        self.found_inf = torch.zeros((), device=device)
        self._infinite_count = torch.full((), torch.inf, device=device)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]  no loss to return
        assert closure is None, "the gradients are computed before the step"
        for group in self.param_groups:
            parameters = [parameter for parameter in group["params"] if parameter.grad is not None]
            if parameters:
                self._update(parameters, [self.state_of(parameter, group) for parameter in parameters], group)

    def _update(self, parameters: list[Tensor], states: list[dict[str, Tensor]], group: dict[str, Any]) -> None:
        """Update by torch's fused kernel, which always divides by the bias correction 1 - beta^count.

        An infinite count makes the correction 1, as in Google's Adam.
        """
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        first, second, counts = ([state[name] for state in states] for name in ("exp_avg", "exp_avg_sq", "step"))
        torch._foreach_add_(counts, [1 - self.found_inf] * len(counts))
        torch._fused_adamw_(
            parameters,
            gradients,
            first,
            second,
            [],
            counts if group["bias_correction"] else [self._infinite_count] * len(parameters),
            lr=group["lr"],
            beta1=group["betas"][0],
            beta2=group["betas"][1],
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            amsgrad=False,
            maximize=False,
            found_inf=self.found_inf,
        )

    def state_of(self, parameter: Tensor, group: dict[str, Any]) -> dict[str, Tensor]:
        """The state of a parameter of this group: `step`, its number of updates, and the moments of the group.

        All of them start at zero.
        """
        state = self.state[parameter]
        if not state:
            state["step"] = torch.zeros((), device=parameter.device)
            state |= {moment: torch.zeros_like(parameter) for moment in group["moments"]}
        return state
