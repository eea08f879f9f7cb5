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

from pretrain.model.dropout import draws_on, kept, mark, mask_of, masked, scale
from pretrain.model.linear import Linear

# The scores that `_Attention` computes together: two bytes each in bf16 are a MiB, which stays in the cache.
_SCORES = 2**19


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
    if draws_on(parts) and (dropout or parts.dtype == torch.bfloat16):
        return _Attention.apply(parts, bounds, dropout)
    query, key, value = parts.permute(2, 0, 3, 1, 4)
    context = F.scaled_dot_product_attention(query, key, value, attn_mask=bounds, dropout_p=dropout)
    return context.transpose(1, 2)


class _Attention(torch.autograd.Function):
    """Attention on a CPU where torch's kernels are slow: with dropout, and in bf16.

    torch has no kernel for dropout: its own computation takes 1.5 times as long, and in bf16 three times as long. Its
    kernel for bf16 without dropout took 43 % of a step of `small` (docs/speed.md). Here a few rows are computed after
    the other, with all of their heads, so that their scores stay in the cache from one pass to the next. Queries, keys
    and values are first copied together, because products of contiguous matrices take half of the time.

    The backward pass needs the probabilities. Their sign bit, which is free, says which of them were dropped.
    """

    @staticmethod
    def forward(ctx: Any, parts: Tensor, bounds: Tensor, dropout: float) -> Tensor:
        rows, length, _, heads, width = parts.shape
        context = parts.new_empty(rows, length, heads, width)
        size, saved = _chunk(parts), list[Tensor]()
        for chunk, seen, result in zip(*(each.split(size) for each in (parts, bounds, context)), strict=True):
            query, key, value = heads_first = _heads_first(chunk)
            likely = _probabilities(query, key, seen, heads)
            dropped = likely
            if ctx.needs_input_grad[0]:
                saved += heads_first, likely
            if dropout:
                mask = kept(likely.shape, dropout, likely.dtype)
                dropped = masked(likely, mask)
                mark(likely, mask)
            result.copy_(torch.bmm(dropped, value).unflatten(0, (-1, heads)).transpose(1, 2))
        if dropout:
            context *= scale(dropout)
        ctx.save_for_backward(*saved)
        ctx.dropout, ctx.shape = dropout, parts.shape
        return context

    @staticmethod
    @once_differentiable
    def backward(  # type: ignore[override]  # torch declares it for any number of gradients
        ctx: Any, gradient: Tensor
    ) -> tuple[Tensor, None, None]:
        gradients = gradient.new_empty(ctx.shape)
        if ctx.dropout:
            gradient = gradient * scale(ctx.dropout)
        saved, size = ctx.saved_tensors, _chunk(gradients)
        chunks = saved[::2], saved[1::2], gradient.split(size), gradients.split(size)
        for (query, key, value), likely, incoming, result in zip(*chunks, strict=True):
            of_context = incoming.transpose(1, 2).flatten(0, 1)
            of_scores = torch.bmm(of_context, value.mT)
            dropped = likely
            if ctx.dropout:
                mask = mask_of(likely)
                of_scores, dropped, likely = masked(of_scores, mask), masked(likely, mask), likely.abs()
            of_parts = query.new_empty(3, *query.shape)
            torch.bmm(dropped.mT, of_context, out=of_parts[2])
            torch._softmax_backward_data(of_scores, likely, -1, likely.dtype, grad_input=of_scores)
            torch.bmm(of_scores, key, out=of_parts[0])
            torch.bmm(of_scores.mT, query, out=of_parts[1])
            of_parts[:2] *= query.shape[-1] ** -0.5
            result.copy_(of_parts.unflatten(1, (-1, ctx.shape[3])).permute(1, 3, 0, 2, 4))
        return gradients, None, None


def _chunk(parts: Tensor) -> int:
    """How many rows are computed together."""
    _, length, _, heads, _ = parts.shape
    return max(1, _SCORES // (heads * length**2))


def _heads_first(parts: Tensor) -> Tensor:
    """[B, L, 3, H, W] -> [3, B H, L, W], contiguous, also with a single head."""
    return parts.permute(2, 0, 3, 1, 4).flatten(1, 2).contiguous()


def _probabilities(query: Tensor, key: Tensor, seen: Tensor, heads: int) -> Tensor:
    """[B H, L, W] twice, [B, 1, L, L] bool -> [B H, L, L]"""
    # Added to a score: 0 where a token may be seen, else a number so low that the softmax gives 0.
    unseen = seen[:, 0].view(torch.int8).to(query.dtype).sub_(1).mul_(torch.finfo(query.dtype).max)
    scores = unseen.repeat_interleave(heads, 0)
    scores.baddbmm_(query, key.mT, alpha=query.shape[-1] ** -0.5)
    return torch.softmax(scores, -1, out=scores)
