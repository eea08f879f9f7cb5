"""Sampling of tokens from the generator's distribution, without a gradient.

The cumulative distribution is inverted at given uniform numbers, in two steps: the first number chooses a block of the
vocabulary, and the second number chooses a token of the block. If a number falls on the border between two tokens, the
rounding of the logits decides, so that a batch that is cut differently may give another token. Two steps have some
hundred such borders; a single step would have as many borders as there are tokens.

Letters: B rows, P slots, V vocabulary with its padding, K candidates.
"""

from __future__ import annotations

import torch
from torch import Tensor

# How many uniform numbers are needed to sample a token.
STEPS = 2
# How many tokens a block of the vocabulary has. The generator's logits are padded to a whole number of blocks.
BLOCK = 64


@torch.no_grad()
def sample(log_probs: Tensor, uniforms: Tensor, temperature: float) -> Tensor:
    """Ids [B, P], sampled from [B, P, V] with `uniforms` [B, P, 2] in [0, 1). V is a whole number of blocks."""
    scaled = log_probs if temperature == 1 else log_probs / temperature
    # On a CPU, softmax takes two thirds of the time of exp.
    blocks = scaled.softmax(-1).unflatten(2, (-1, BLOCK))
    block = _invert(blocks.sum(3), uniforms[:, :, 0])
    inside = blocks.gather(2, block[:, :, None, None].expand(-1, -1, 1, BLOCK)).squeeze(2)
    return block * BLOCK + _invert(inside, uniforms[:, :, 1])


def _invert(weights: Tensor, uniforms: Tensor) -> Tensor:
    """Indices [B, P] into [B, P, N], each chosen with a probability in proportion to its weight.

    An index with weight 0 is never chosen. If the weights are NaN, index 0 is chosen: the loss will show the NaN.
    """
    cumulative = weights.cumsum(2)
    total = cumulative[:, :, -1:]
    below = torch.nextafter(total, torch.zeros_like(total))
    index = torch.searchsorted(cumulative, torch.minimum(uniforms[:, :, None] * total, below), right=True)
    return (index * (total > 0)).squeeze(2)


@torch.no_grad()
def sample_others(log_probs: Tensor, taken: Tensor, uniforms: Tensor, temperature: float) -> Tensor:
    """Ids [B, P, K], sampled in turn with `uniforms` [B, P, K, 2], without replacement, and never `taken` [B, P]."""
    drawn: list[Tensor] = []
    if not uniforms.shape[2]:
        return taken.new_empty((*taken.shape, 0))
    left = log_probs.scatter(2, taken[:, :, None], -torch.inf)
    for numbers in uniforms.unbind(2):
        ids = sample(left.log_softmax(-1), numbers, temperature)
        left = left.scatter(2, ids[:, :, None], -torch.inf)
        drawn.append(ids)
    return torch.stack(drawn, 2)
