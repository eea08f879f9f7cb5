"""Rows that an objective compares with one another, on one process or on several.

The rows of a step form groups of `batch.group_rows`. A group is computed at once, so it either lies within one
micro-batch or consists of the whole micro-batches of several processes. The result within a group does not depend on
the number of processes.

Letters: B rows of this process, G groups, C rows of a group, W views.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor
from torch.autograd.function import FunctionCtx

from configs.recipe import Recipe


@dataclass(frozen=True)
class Groups:
    """The groups with rows of this process, [G, W C, ...], and whether each row is its own, [G, W C] bool."""

    values: Tensor
    is_local: Tensor


def grouped(values: Tensor, recipe: Recipe, *, spread: bool) -> Groups:
    """Arrange `values` [W B, ...], which hold all rows of one view after the other, in groups.

    `spread` says whether other processes may hold rows of the same group.
    """
    views, size = recipe.batch.views, recipe.batch.group_rows
    rows = len(values) // views
    viewed = values.view(views, rows, *values.shape[1:])
    is_local = torch.ones(views, rows, dtype=torch.bool, device=values.device)
    if spread and rows < size:
        rank, first = dist.get_rank(), dist.get_rank() * rows // size * size
        everything = torch.cat(_Gather.apply(viewed.contiguous()), 1)  # [W, processes B, ...]
        position = torch.arange(first, first + size, device=values.device)
        is_local = (position // rows == rank).expand(views, -1)
        viewed, rows = everything[:, first : first + size], size
    size = min(size, rows)
    groups = viewed.unflatten(1, (rows // size, size)).transpose(0, 1).flatten(1, 2)
    return Groups(groups, is_local.unflatten(1, (rows // size, size)).transpose(0, 1).flatten(1, 2))


class _Gather(torch.autograd.Function):
    """Gather a tensor from every process.

    In the backward pass, the gradients that all processes have computed for a tensor are added up in the process that
    the tensor came from.
    """

    @staticmethod
    def forward(ctx: FunctionCtx, tensor: Tensor) -> tuple[Tensor, ...]:  # type: ignore[override]  torch's is (ctx, *args)
        gathered = [torch.empty_like(tensor) for _ in range(dist.get_world_size())]
        dist.all_gather(gathered, tensor)
        return tuple(gathered)

    @staticmethod
    def backward(ctx: FunctionCtx, *gradients: Tensor) -> Tensor:  # type: ignore[override]  torch's is (ctx, *args)
        added = torch.stack(gradients)
        dist.all_reduce(added)
        return added[dist.get_rank()]
