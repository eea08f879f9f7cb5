"""The norms of the gradients of the parts of a pair: embeddings, each layer of each tower, and heads."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn.utils import get_total_norm


def part_of(name: str) -> str:
    """Return the part to which the parameter of this name belongs. Layers are counted from 1, as people count."""
    tower, kind, *rest = name.split(".")
    match tower:
        case "embeddings":
            return "embeddings"
        case "discriminator_embeddings":
            return "discriminator/embeddings"
        case "objectives":
            return f"heads/{kind}"
    assert tower in ("generator", "discriminator") and kind in ("projection", "layers"), f"{name} is in no part"
    return f"{tower}/projection" if kind == "projection" else f"{tower}/layer_{int(rest[0]) + 1}"


class GradientNorms:
    """Sums the squares of gradients by part. `parameters` are the trained ones by name."""

    def __init__(self, parameters: Iterable[tuple[str, nn.Parameter]]):
        self._part_of = {parameter: part_of(name) for name, parameter in parameters}
        self.parts = list(dict.fromkeys(self._part_of.values()))

    def squares(self, gradients: Iterable[tuple[nn.Parameter, Tensor]], device: torch.device) -> Tensor:
        """Return the squared norm of each part, [parts], from gradients or disjoint fragments of gradients."""
        by_part: dict[str, list[Tensor]] = {part: [] for part in self.parts}
        for parameter, gradient in gradients:
            by_part[self._part_of[parameter]].append(gradient)
        return torch.stack([get_total_norm(tensors).to(device, torch.float64) for tensors in by_part.values()]) ** 2
