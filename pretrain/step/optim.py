"""Google's Adam and its schedule (google-research/electra, model/optimization.py)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from configs.training_tables import InitialTable, OptimizerTable, ScheduleTable

_LAYER = re.compile(r"discriminator\.layers\.(\d+)\.")


def learning_rate(step: int, optimizer: OptimizerTable, schedule: ScheduleTable) -> float:
    """The rate of update number `step`, counted from 0. With a multiplied warm-up the first one is 0."""
    warmup = min(1.0, step / schedule.warmup_steps) if schedule.warmup_steps else 1.0
    if schedule.warmup == "multiplied":
        left = 1 - step / schedule.steps
    else:
        left = 1 - max(0, step - schedule.warmup_steps) / (schedule.steps - schedule.warmup_steps)
    return optimizer.learning_rate * warmup * left**schedule.decay_power


def parameter_groups(
    module: nn.Module, weight_decay: float, initial: InitialTable | None = None
) -> list[dict[str, Any]]:
    """Groups by what their parameters are decayed by, by `scale`, their share of the rate, and by `waits`.

    Biases and LayerNorms are not decayed, embedding tables are. The scale of a layer of the discriminator is
    `initial.layer_decay` times that of the layer above, with the embeddings below all; heads and generator have the
    whole rate. While a fresh generator learns alone, all but its layers and its head waits.
    """
    layer_decay, alone = (initial.layer_decay, initial.generator_steps > 0) if initial else (1.0, False)
    layers = {match[1] for name, _ in module.named_parameters() if (match := _LAYER.match(name))}
    groups: dict[tuple[float, float, bool], list[Tensor]] = {}
    for prefix, part in module.named_modules():
        for leaf, parameter in part.named_parameters(recurse=False):
            name = f"{prefix}.{leaf}"
            decay = 0.0 if isinstance(part, nn.LayerNorm) or leaf == "bias" else weight_decay
            waits = alone and not name.startswith(("generator.", "objectives.mlm."))
            scale = layer_decay ** _layers_above(name, len(layers))
            groups.setdefault((decay, scale, waits), []).append(parameter)
    return [
        {"params": parameters, "weight_decay": decay, "scale": scale, "waits": waits}
        for (decay, scale, waits), parameters in groups.items()
    ]


def _layers_above(name: str, num_layers: int) -> int:
    """How many of the discriminator's layers are above one of its parameters; of any other, none."""
    layer = _LAYER.match(name)
    if layer:
        return num_layers - 1 - int(layer[1])
    below = ("embeddings.", "discriminator_embeddings.", "discriminator.projection.")
    return num_layers if name.startswith(below) else 0


class ElectraAdam(torch.optim.Optimizer):
    """Adam with decoupled decay, epsilon outside the root, and bias correction only where the recipe says so.

    update = m / (sqrt(v) + epsilon) + weight_decay * p;  p -= rate * update

    Where `found_inf` is 1, a step changes nothing: neither weights nor moments nor their count. It is a scalar on the
    parameters' device, named as by torch's GradScaler, so that the host need not wait to learn what it says.
    """

    def __init__(self, groups: Iterable[dict[str, Any]], settings: OptimizerTable):
        defaults = {
            "lr": 0.0,
            "betas": (settings.beta1, settings.beta2),
            "eps": settings.epsilon,
            "bias_correction": settings.bias_correction,
            "weight_decay": settings.weight_decay,
        }
        super().__init__(groups, defaults)
        device = self.param_groups[0]["params"][0].device
        self.found_inf = torch.zeros((), device=device)
        self._after_all_steps = torch.full((), torch.inf, device=device)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]  no loss to return
        assert closure is None, "the gradients are computed before the step"
        for group in self.param_groups:
            parameters = [parameter for parameter in group["params"] if parameter.grad is not None]
            if parameters:
                self._update(parameters, [self.state_of(parameter) for parameter in parameters], group)

    def _update(self, parameters: list[Tensor], states: list[dict[str, Tensor]], group: dict[str, Any]) -> None:
        """By torch's kernel, which corrects the bias by 1 - beta^count: after infinitely many updates, by nothing."""
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        first, second, counts = ([state[name] for state in states] for name in ("exp_avg", "exp_avg_sq", "step"))
        torch._foreach_add_(counts, 1 - self.found_inf)
        torch._fused_adamw_(
            parameters,
            gradients,
            first,
            second,
            [],
            counts if group["bias_correction"] else [self._after_all_steps] * len(parameters),
            lr=group["lr"],
            beta1=group["betas"][0],
            beta2=group["betas"][1],
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            amsgrad=False,
            maximize=False,
            found_inf=self.found_inf,
        )

    def state_of(self, parameter: Tensor) -> dict[str, Tensor]:
        """Its `step`, the number of updates, and its moments `exp_avg` and `exp_avg_sq`, at first all zero."""
        state = self.state[parameter]
        if not state:
            state["step"] = torch.zeros((), device=parameter.device)
            state["exp_avg"] = torch.zeros_like(parameter)
            state["exp_avg_sq"] = torch.zeros_like(parameter)
        return state
