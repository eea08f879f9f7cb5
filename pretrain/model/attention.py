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
    if draws_on(parts) and (dropout or (parts.dtype == torch.bfloat16 and parts.requires_grad)):
        return _Attention.apply(parts, bounds, dropout)
    query, key, value = parts.permute(2, 0, 3, 1, 4)
    context = F.scaled_dot_product_attention(query, key, value, attn_mask=bounds, dropout_p=dropout)
    return context.transpose(1, 2)


class _Attention(torch.autograd.Function):
    """Attention on a CPU where torch's kernels are slow: with dropout, and in bf16.

    torch has no kernel for dropout: its own computation takes 1.5 times as long, and in bf16 three times as long. Its
    kernel for bf16 without dropout took 43 % of a step of `small`, and this one takes 21 % (docs/speed.md). The heads
    are computed one after the other, so that temporary tensors have the size of a single head. With dropout, the
    backward pass needs the probabilities and, for each, a byte that says whether it was dropped. Without dropout, the
    probabilities are computed again, so that no more is kept than by torch's kernel.
    """

    @staticmethod
    def forward(ctx: Any, parts: Tensor, bounds: Tensor, dropout: float) -> Tensor:
        rows, length, _, heads, width = parts.shape
        unseen = _unseen(bounds, parts.dtype)
        probabilities = parts.new_empty(heads if dropout else 1, rows, length, length)
        context = parts.new_empty(rows, length, heads, width)
        masks: list[Tensor] = []
        for head in range(heads):
            likely = _probabilities(parts, unseen, head, probabilities[head if dropout else 0])
            if dropout:
                masks.append(kept(likely.shape, dropout))
                likely = likely * masks[head].to(likely.dtype)
            torch.bmm(likely, parts[:, :, 2, head], out=context[:, :, head])
        if dropout:
            context *= scale(dropout)
        ctx.save_for_backward(parts, context, *((probabilities, *masks) if dropout else (bounds,)))
        ctx.dropout = dropout
        return context

    @staticmethod
    @once_differentiable
    def backward(  # type: ignore[override]  # torch declares it for any number of gradients
        ctx: Any, gradient: Tensor
    ) -> tuple[Tensor, None, None]:
        parts, context, *saved = ctx.saved_tensors
        # The gradient of a softmax needs the mean of the incoming gradients, weighted by the probabilities. It is equal
        # to the product of the context and its gradient, summed over the width of a head (FlashAttention).
        means = (gradient * context).sum(-1, keepdim=True)
        gradients = torch.empty_like(parts)
        if ctx.dropout:
            gradient = gradient * scale(ctx.dropout)
            for head, (likely, mask) in enumerate(zip(saved[0], saved[1:], strict=True)):
                _head_gradients(gradients, head, parts, gradient, means, likely, mask.to(likely.dtype))
        else:
            bounds = saved[0]
            unseen, likely = _unseen(bounds, parts.dtype), torch.empty_like(bounds[:, 0], dtype=parts.dtype)
            for head in range(parts.shape[3]):
                _probabilities(parts, unseen, head, likely)
                _head_gradients(gradients, head, parts, gradient, means, likely, None)
        gradients[:, :, :2] *= parts.shape[-1] ** -0.5
        return gradients, None, None


def _unseen(bounds: Tensor, dtype: torch.dtype) -> Tensor:
    """What is added to the scores [B, L, L]: 0 where a token may be seen, else so low that the softmax gives 0."""
    return bounds[:, 0].view(torch.int8).to(dtype).sub_(1).mul_(torch.finfo(dtype).max)


def _probabilities(parts: Tensor, unseen: Tensor, head: int, out: Tensor) -> Tensor:
    """Compute the probabilities [B, L, L] of a head into `out`."""
    query, key = parts[:, :, 0, head], parts[:, :, 1, head]
    scores = torch.baddbmm(unseen, query, key.mT, alpha=parts.shape[-1] ** -0.5, out=out)
    return torch.softmax(scores, -1, out=scores)


def _head_gradients(
    gradients: Tensor, head: int, parts: Tensor, gradient: Tensor, means: Tensor, likely: Tensor, mask: Tensor | None
) -> None:
    """Compute the gradients of a head's values, queries and keys, the last two without their factor."""
    query, key, value = parts[:, :, :, head].unbind(2)
    of_scores = gradient[:, :, head] @ value.mT
    if mask is not None:
        of_scores.mul_(mask)
    torch.bmm((likely if mask is None else likely * mask).mT, gradient[:, :, head], out=gradients[:, :, 2, head])
    of_scores.sub_(means[:, :, head]).mul_(likely)
    torch.bmm(of_scores, key, out=gradients[:, :, 0, head])
    torch.bmm(of_scores.mT, query, out=gradients[:, :, 1, head])
