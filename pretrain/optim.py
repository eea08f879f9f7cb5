"""Google's Adam and its schedule (google-research/electra, model/optimization.py)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from configs.tables import Initial, Optimizer, Schedule

_LAYER = re.compile(r"discriminator\.layers\.(\d+)\.")


def learning_rate(step: int, optimizer: Optimizer, schedule: Schedule) -> float:
    """The rate of update number `step`, counted from 0. With a multiplied warm-up the first one is 0."""
    warmup = min(1.0, step / schedule.warmup_steps) if schedule.warmup_steps else 1.0
    if schedule.warmup == "multiplied":
        left = 1 - step / schedule.steps
    else:
        left = 1 - max(0, step - schedule.warmup_steps) / (schedule.steps - schedule.warmup_steps)
    return optimizer.learning_rate * warmup * left**schedule.decay_power


def parameter_groups(module: nn.Module, weight_decay: float, initial: Initial | None = None) -> list[dict[str, Any]]:
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

    Where `found_inf` is true, a step changes nothing: neither weights nor moments nor their count. It is a scalar on
    the parameters' device, named as by torch's GradScaler, so that the host need not wait to learn what it says.
    """

    def __init__(self, groups: Iterable[dict[str, Any]], settings: Optimizer):
        defaults = {
            "lr": 0.0,
            "betas": (settings.beta1, settings.beta2),
            "eps": settings.epsilon,
            "bias_correction": settings.bias_correction,
            "weight_decay": settings.weight_decay,
        }
        super().__init__(groups, defaults)
        self.found_inf = torch.zeros((), dtype=torch.bool, device=self.param_groups[0]["params"][0].device)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]  no loss to return
        assert closure is None, "the gradients are computed before the step"
        for group in self.param_groups:
            parameters = [parameter for parameter in group["params"] if parameter.grad is not None]
            gradients = [parameter.grad for parameter in parameters]
            if parameters:
                states = [self.state_of(parameter) for parameter in parameters]
                _update(parameters, gradients, states, group, self.found_inf)

    def state_of(self, parameter: Tensor) -> dict[str, Tensor]:
        """Its `step`, the number of updates, and its moments `exp_avg` and `exp_avg_sq`, at first all zero."""
        state = self.state[parameter]
        if not state:
            state["step"] = torch.zeros((), device=parameter.device)
            state["exp_avg"] = torch.zeros_like(parameter)
            state["exp_avg_sq"] = torch.zeros_like(parameter)
        return state


def _update(
    parameters: list[Tensor],
    gradients: list[Tensor],
    states: list[dict[str, Tensor]],
    group: dict[str, Any],
    found_inf: Tensor,
) -> None:
    first, second, count = ([state[name] for state in states] for name in ("exp_avg", "exp_avg_sq", "step"))
    # Standing still is an update with gradients 0, betas 1 and rate 0. A factor would leave a NaN what it is.
    for gradient in gradients:
        gradient.masked_fill_(found_inf, 0)
    beta1, beta2 = (torch.where(found_inf, 1.0, beta) for beta in group["betas"])
    torch._foreach_add_(count, (~found_inf).float())
    torch._foreach_mul_(first, beta1)
    torch._foreach_add_(first, gradients, alpha=1 - group["betas"][0])
    torch._foreach_mul_(second, beta2)
    torch._foreach_addcmul_(second, gradients, gradients, 1 - group["betas"][1])
    roots = torch._foreach_sqrt(second)
    if group["bias_correction"]:
        torch._foreach_div_(roots, _correction(group["betas"][1], count[0]).sqrt().float())
    torch._foreach_add_(roots, group["eps"])
    updates = torch._foreach_div(first, roots)
    if group["bias_correction"]:
        torch._foreach_div_(updates, _correction(group["betas"][0], count[0]).float())
    if group["weight_decay"]:
        torch._foreach_add_(updates, parameters, alpha=group["weight_decay"])
    torch._foreach_mul_(updates, torch.where(found_inf, 0.0, group["lr"]))
    torch._foreach_sub_(parameters, updates)


def _correction(beta: float, count: Tensor) -> Tensor:
    """What a moment is of its size after so many updates, 1 - beta^count; 1 before the first one. In double: near 0."""
    return torch.where(count > 0, 1 - beta ** count.double(), 1.0)
