"""Muon for the matrices of the layers, and Adam for every other parameter.

Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/) replaces the momentum of a matrix by a matrix with
the same singular vectors, whose singular values are all near 1. Its learning rate is multiplied by .2 sqrt(max(R, C)).
The root mean square of an update is then about that of an update of Adam, so that the learning rate and the weight
decay of Adam suit both (Liu et al. 2025, "Muon is scalable for LLM training", arXiv 2502.16982, section 2.2). Query,
key and value are three matrices here, although one parameter holds them.

Letters: N matrices, R rows, C columns.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import torch
from torch import Tensor

from configs.update_tables import OptimizerTable
from pretrain.step.muon_costs import POLYNOMIALS
from pretrain.step.optim import ElectraAdam
from pretrain.step.world import World

_SMALLEST_NORM = 1e-7

Polynomials = Sequence[tuple[float, float, float]]


@dataclass(frozen=True)
class Piece:
    """The part of a parameter that this process updates. It is the whole parameter, or the fragment that ZeRO cut."""

    direction: Tensor  # [R, C], of the whole parameter
    weight: Tensor  # [numbers], a flat view of the part
    first: int  # the number of the flat parameter at which the part begins


class MuonWithAdam(ElectraAdam):
    """ElectraAdam whose groups with `matrices` above 0 are updated by Muon, with Nesterov's momentum.

    m = momentum * m + (1 - momentum) * g;  u = momentum * m + (1 - momentum) * g
    p -= rate * weight_decay * p + rate * .2 sqrt(max(R, C)) * orthogonal(u)

    `matrices` is the number of equal matrices that lie one below another in each parameter of the group. `dtype` is the
    precision in which u is made orthogonal. The gradient is overwritten by u. Under ZeRO, a group has the key `layout`.
    """

    def __init__(self, groups: Iterable[dict[str, Any]], settings: OptimizerTable, dtype: torch.dtype):
        super().__init__(groups, settings)
        assert settings.momentum is not None, "a recipe with Muon has a momentum"
        self._momentum, self._dtype = settings.momentum, dtype
        self._polynomials = POLYNOMIALS[settings.orthogonalization]
        for group in self.param_groups:
            if group["matrices"]:
                group["moments"] = ("exp_avg",)

    def take_layout(self, zero: Any, world: World) -> None:
        """Learn from DeepSpeed's ZeRO optimizer where it has put the parameters of each group."""
        places = zip(zero.round_robin_bit16_groups, zero.round_robin_bit16_offsets, strict=True)
        for group, (parameters, begins) in zip(self.param_groups, places, strict=True):
            shapes = [parameter.shape for parameter in parameters]
            group["layout"] = Layout(tuple(zip(begins, shapes, strict=True)), world)

    def _update(self, parameters: list[Tensor], states: list[dict[str, Tensor]], group: dict[str, Any]) -> None:
        if not group["matrices"]:
            super()._update(parameters, states, group)
            return
        rate = group["lr"] * (1 - self.found_inf)
        for parameter, state in zip(parameters, states, strict=True):
            self._turn_into_direction(parameter.grad, state["exp_avg"])
            state["step"] += 1 - self.found_inf
        torch._foreach_mul_(parameters, 1 - rate * group["weight_decay"])
        for pieces in _of_equal_shape(self._pieces(parameters, group)):
            directions = torch.stack([piece.direction.to(self._dtype) for piece in pieces])
            updates = scaled_update(directions, self._polynomials, group["matrices"]).mul_(rate)
            for piece, update in zip(pieces, updates.flatten(1), strict=True):
                piece.weight.sub_(update[piece.first : piece.first + len(piece.weight)])

    def _turn_into_direction(self, gradient: Tensor | None, momentum: Tensor) -> None:
        """Update the momentum, and overwrite the gradient with the direction of the update.

        A gradient that is not finite is replaced by the momentum, which then does not change.
        """
        assert gradient is not None, "only parameters with a gradient are updated"
        torch.where(self.found_inf.bool(), momentum, gradient, out=gradient)
        momentum.lerp_(gradient, 1 - self._momentum)
        gradient.lerp_(momentum, self._momentum)

    def _pieces(self, parameters: list[Tensor], group: dict[str, Any]) -> list[Piece]:
        directions = [parameter.grad for parameter in parameters if parameter.grad is not None]
        if "layout" not in group:
            return [Piece(*pair, 0) for pair in zip(directions, (p.view(-1) for p in parameters), strict=True)]
        [weight], [direction] = parameters, directions
        return list(group["layout"].pieces(weight, direction.to(self._dtype)))


@dataclass(frozen=True)
class Layout:
    """The place of each parameter in a group, which ZeRO laid end to end and cut into an equal fragment per process."""

    places: tuple[tuple[int, torch.Size], ...]  # where a parameter begins in the whole group, and its shape
    world: World

    def pieces(self, weight: Tensor, direction: Tensor) -> Iterator[Piece]:
        """Yield the pieces in this process's fragment of the weights. The directions come from all processes."""
        directions, first = self.world.gather(direction), self.world.rank * len(weight)
        for begin, shape in self.places:
            left, right = max(begin, first), min(begin + shape.numel(), first + len(weight))
            if left < right:
                whole = directions[begin : begin + shape.numel()].view(shape)
                yield Piece(whole, weight[left - first : right - first], left - begin)


def _of_equal_shape(pieces: list[Piece]) -> Iterator[list[Piece]]:
    for _, equal in groupby(sorted(pieces, key=_shape), key=_shape):
        yield list(equal)


def _shape(piece: Piece) -> tuple[int, ...]:
    return tuple(piece.direction.shape)


def scaled_update(directions: Tensor, polynomials: Polynomials, matrices: int = 1) -> Tensor:
    """Return the updates in fp32, scaled by shape. Each of the N parameters [R, C] holds this number of matrices.

    The directions are overwritten.
    """
    single = directions.unflatten(1, (matrices, -1)).flatten(0, 1)
    scale = 0.2 * math.sqrt(max(single.shape[1:]))
    return orthogonal(single, polynomials).float().mul_(scale).reshape(directions.shape)


def orthogonal(matrices: Tensor, polynomials: Polynomials) -> Tensor:
    """[N, R, C] -> [N, R, C]: move all singular values near 1, by an iteration for each of the polynomials.

    An iteration computes a X + b X X'X + c X X'X X'X. newton_schulz moves the singular values to between .68 and 1.21,
    and polar_express to between .18 and 1.87. Those that were tiny stay small. The matrices are overwritten.
    """
    is_tall = matrices.shape[1] > matrices.shape[2]
    wide = matrices.mT if is_tall else matrices
    wide.div_(torch.linalg.matrix_norm(wide, keepdim=True).clamp(min=_SMALLEST_NORM))
    for a, b, c in polynomials:
        gram = wide @ wide.mT
        gram = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        wide = torch.baddbmm(wide, gram, wide, beta=a)
    return wide.mT if is_tall else wide
