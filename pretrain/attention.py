"""Attention that stops at the borders of examples.

Letters: B rows, L row length, H heads, D hidden.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from pretrain.linear import Linear


def bounds(examples: Tensor) -> Tensor:
    """[B, 1, L, L] bool, who may see whom. `examples` [B, L] numbers a row's examples; padding (0) sees padding."""
    return (examples[:, :, None] == examples[:, None, :])[:, None]


class SelfAttention(nn.Module):
    """Multi-head self-attention with query, key and value in one matrix."""

    def __init__(self, hidden: int, heads: int, dropout: float):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.qkv = Linear(hidden, 3 * hidden)
        self.output = Linear(hidden, hidden)

    def forward(self, states: Tensor, bounds: Tensor) -> Tensor:
        """[B, L, D] -> [B, L, D]"""
        rows, length, hidden = states.shape
        parts = self.qkv(states).chunk(3, dim=-1)
        query, key, value = (part.view(rows, length, self.heads, -1).transpose(1, 2) for part in parts)
        dropout = self.dropout if self.training else 0.0
        context = F.scaled_dot_product_attention(query, key, value, attn_mask=bounds, dropout_p=dropout)
        return self.output(context.transpose(1, 2).reshape(rows, length, hidden))
