"""Attention that stops at the borders of examples.

On any device, attention can be computed over whole rows with a mask. On NVIDIA GPUs, in 16 bits, and where the recipe
has no dropout of attention probabilities, it is computed by torch's variable-length flash attention, which computes
nothing between examples. That kernel has no dropout.

Letters: B rows, L row length, H heads, W width of a head, D hidden, N examples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from pretrain.model.dropout import draws_on, kept, scale
from pretrain.model.linear import Linear


@dataclass(frozen=True)
class Bounds:
    """Which tokens may attend to each other: the tokens of one example, and padding to padding."""

    mask: Tensor  # [B, 1, L, L] bool
    borders: Tensor | None  # [N + 1] int32, the same in rows laid end to end (Batch.borders), on GPUs that use it


def bounds(examples: Tensor, borders: Tensor | None = None) -> Bounds:
    """The bounds of rows. `examples` [B, L] numbers the examples of each row from 1; 0 is padding."""
    mask = (examples[:, :, None] == examples[:, None, :])[:, None]
    return Bounds(mask, borders if borders is not None and has_flash_attention(borders.device) else None)


class SelfAttention(nn.Module):
    """Multi-head self-attention with query, key and value in one matrix."""

    def __init__(self, hidden: int, heads: int, dropout: float):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.qkv = Linear(hidden, 3 * hidden)
        self.output = Linear(hidden, hidden)

    def forward(self, states: Tensor, bounds: Bounds) -> Tensor:
        """[B, L, D] -> [B, L, D]"""
        rows, length, hidden = states.shape
        parts = self.qkv(states).view(rows, length, 3, self.heads, -1)
        # A recipe with attention dropout uses the mask in evaluation too, although nothing is dropped there.
        if bounds.borders is not None and not self.dropout and parts.dtype.itemsize == 2:
            context = attend_within(parts, bounds.borders)
        else:
            context = attend(parts, bounds.mask, self.dropout if self.training else 0.0)
        return self.output(context.reshape(rows, length, hidden))


def has_flash_attention(device: torch.device) -> bool:
    """Whether torch's variable-length attention runs on the device. It runs on NVIDIA GPUs since Ampere."""
    return device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 0)


def attend_within(parts: Tensor, borders: Tensor) -> Tensor:
    """Attention within each example: queries, keys and values [B, L, 3, H, W] in 16 bits -> [B, L, H, W]"""
    from torch.nn.attention.varlen import varlen_attn  # loads torch's compiler, which takes a second

    query, key, value = parts.flatten(0, 1).unbind(1)
    length = parts.shape[1]
    context = varlen_attn(query, key, value, borders, borders, length, length)
    assert isinstance(context, Tensor), "it was not asked for more"
    return context.view_as(parts[:, :, 0])


def attend(parts: Tensor, bounds: Tensor, dropout: float) -> Tensor:
    """Attention under a mask: queries, keys and values [B, L, 3, H, W] -> [B, L, H, W]"""
    if dropout and draws_on(parts):
        return _Attention.apply(parts, bounds, dropout)
    query, key, value = parts.permute(2, 0, 3, 1, 4)
    context = F.scaled_dot_product_attention(query, key, value, attn_mask=bounds, dropout_p=dropout)
    return context.transpose(1, 2)


class _Attention(torch.autograd.Function):
    """Attention with dropout on a CPU.

    torch has no kernel for it: its own computation takes 1.5 times as long, and in bf16 three times as long. The heads
    are computed one after the other, so that temporary tensors have the size of a single head. For the backward pass,
    the probabilities are kept, and for each probability a byte that says whether it was dropped.
    """

    @staticmethod
    def forward(ctx: Any, parts: Tensor, bounds: Tensor, dropout: float) -> Tensor:
        rows, length, _, heads, width = parts.shape
        # `unseen` is added to the scores: 0 where a token may be seen, else so low that the softmax gives 0.
        unseen = bounds[:, 0].view(torch.int8).to(parts.dtype).sub_(1).mul_(torch.finfo(parts.dtype).max)
        probabilities = parts.new_empty(heads, rows, length, length)
        context = parts.new_empty(rows, length, heads, width)
        masks: list[Tensor] = []
        for head in range(heads):
            query, key, value = parts[:, :, :, head].unbind(2)
            scores = torch.baddbmm(unseen, query, key.mT, alpha=width**-0.5, out=probabilities[head])
            torch.softmax(scores, -1, out=scores)
            masks.append(kept(scores.shape, dropout))
            torch.bmm(scores * masks[head].to(scores.dtype), value, out=context[:, :, head])
        context *= scale(dropout)
        ctx.save_for_backward(parts, context, probabilities, *masks)
        ctx.dropout = dropout
        return context

    @staticmethod
    @once_differentiable
    def backward(  # type: ignore[override]  # torch declares it for any number of gradients
        ctx: Any, gradient: Tensor
    ) -> tuple[Tensor, None, None]:
        parts, context, probabilities, *masks = ctx.saved_tensors
        gradients = torch.empty_like(parts)
        # The gradient of a softmax needs the mean of the incoming gradients, weighted by the probabilities. It is equal
        # to the product of the context and its gradient, summed over the width of a head (FlashAttention).
        means = (gradient * context).sum(-1, keepdim=True)
        gradient = gradient * scale(ctx.dropout)
        for head, likely in enumerate(probabilities):
            query, key, value = parts[:, :, :, head].unbind(2)
            mask = masks[head].to(likely.dtype)
            torch.bmm((likely * mask).mT, gradient[:, :, head], out=gradients[:, :, 2, head])
            of_scores = (gradient[:, :, head] @ value.mT).mul_(mask).sub_(means[:, :, head]).mul_(likely)
            torch.bmm(of_scores, key, out=gradients[:, :, 0, head])
            torch.bmm(of_scores.mT, query, out=gradients[:, :, 1, head])
        gradients[:, :, :2] *= parts.shape[-1] ** -0.5
        return gradients, None, None
