"""Tokens from the generator's distribution, by inverting its cumulative sum at given uniform numbers. No gradient.

One number decides one token. So what is drawn does not depend on how a batch is cut, but for a number that falls on the
border between two tokens, where the rounding of the logits decides.

Letters: B rows, P slots, V vocabulary, K candidates.
"""

from __future__ import annotations

import torch
from torch import Tensor


@torch.no_grad()
def sample(log_probs: Tensor, uniforms: Tensor, temperature: float) -> Tensor:
    """Ids [B, P] from [B, P, V] at `uniforms` [B, P] in [0, 1)."""
    scaled = log_probs if temperature == 1 else (log_probs / temperature).log_softmax(-1)
    cumulative = scaled.exp().cumsum(-1)
    thresholds = uniforms[:, :, None] * cumulative[:, :, -1:]
    ids = torch.searchsorted(cumulative, thresholds, right=True).squeeze(2)
    return ids.clamp(max=log_probs.shape[2] - 1)


@torch.no_grad()
def sample_others(log_probs: Tensor, taken: Tensor, uniforms: Tensor, temperature: float) -> Tensor:
    """Ids [B, P, K], drawn in turn at `uniforms` [B, P, K], without replacement and never `taken` [B, P]."""
    left = log_probs.scatter(2, taken[:, :, None], -torch.inf)
    drawn: list[Tensor] = []
    for number in uniforms.unbind(2):
        ids = sample(left.log_softmax(-1), number, temperature)
        left = left.scatter(2, ids[:, :, None], -torch.inf)
        drawn.append(ids)
    return torch.stack(drawn, 2) if drawn else taken.new_empty((*taken.shape, 0))
