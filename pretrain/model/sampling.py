"""Tokens from the generator's distribution, by inverting its cumulative sum at given uniform numbers. No gradient.

In two steps, each with a number of its own: a block of the vocabulary, then a token of the block. Where a number falls
on the border between two tokens, the rounding of the logits decides, and a batch that is cut differently may draw
another token; two steps have some hundred borders, one would have as many as there are tokens.

Letters: B rows, P slots, V vocabulary with its padding, K candidates.
"""

from __future__ import annotations

import torch
from torch import Tensor

# Uniform numbers that a token takes.
STEPS = 2
# Tokens of a block. The generator's logits are padded to a whole number of them.
BLOCK = 64


@torch.no_grad()
def sample(log_probs: Tensor, uniforms: Tensor, temperature: float) -> Tensor:
    """Ids [B, P] from [B, P, V], whole blocks, at `uniforms` [B, P, 2] in [0, 1)."""
    scaled = log_probs if temperature == 1 else (log_probs / temperature).log_softmax(-1)
    blocks = scaled.exp().unflatten(2, (-1, BLOCK))
    block = _invert(blocks.sum(3), uniforms[:, :, 0])
    inside = blocks.gather(2, block[:, :, None, None].expand(-1, -1, 1, BLOCK)).squeeze(2)
    return block * BLOCK + _invert(inside, uniforms[:, :, 1])


def _invert(weights: Tensor, uniforms: Tensor) -> Tensor:
    """Indices [B, P] into [B, P, N], each as likely as its weight; never one without weight.

    Of weights that are no numbers the first is drawn: the loss is where they are noticed.
    """
    cumulative = weights.cumsum(2)
    total = cumulative[:, :, -1:]
    below = torch.nextafter(total, torch.zeros_like(total))
    index = torch.searchsorted(cumulative, torch.minimum(uniforms[:, :, None] * total, below), right=True)
    return (index * (total > 0)).squeeze(2)


@torch.no_grad()
def sample_others(log_probs: Tensor, taken: Tensor, uniforms: Tensor, temperature: float) -> Tensor:
    """Ids [B, P, K], drawn in turn at `uniforms` [B, P, K, 2], without replacement and never `taken` [B, P]."""
    drawn: list[Tensor] = []
    if not uniforms.shape[2]:
        return taken.new_empty((*taken.shape, 0))
    left = log_probs.scatter(2, taken[:, :, None], -torch.inf)
    for numbers in uniforms.unbind(2):
        ids = sample(left.log_softmax(-1), numbers, temperature)
        left = left.scatter(2, ids[:, :, None], -torch.inf)
        drawn.append(ids)
    return torch.stack(drawn, 2)
