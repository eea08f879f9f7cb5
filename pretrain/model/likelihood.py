"""The log likelihood of the original tokens of the slots, with a gradient that is made in one pass over the vocabulary.

The gradient of the logits is the likelihood's gradient times (1 at the original token) - (the probabilities). Autograd
makes three tensors as large as all logits in fp32 on the way to it: zeros with the gradients of the originals among
them, the result, and the result in the type of the logits. Here a few slots are computed after the other, so that
nothing but the last one leaves the cache of a CPU. The log probabilities are kept for other uses in any case.

Letters: B rows, P slots, V vocabulary.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

# The slots that are computed together on a CPU: 16 times 30,000 probabilities are 2 MB.
_SLOTS = 16


def log_likelihoods(logits: Tensor, log_probs: Tensor, targets: Tensor) -> Tensor:
    """[B, P, V], their log softmax in fp32 without a gradient, [B, P] -> [B, P], with a gradient for the logits."""
    return _LogLikelihoods.apply(logits, log_probs, targets)


class _LogLikelihoods(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: Tensor, log_probs: Tensor, targets: Tensor) -> Tensor:
        ctx.save_for_backward(log_probs, targets)
        ctx.dtype = logits.dtype
        return log_probs.gather(2, targets[:, :, None]).squeeze(2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:  # type: ignore[override]  # torch's is (ctx, *args)
        log_probs, targets = ctx.saved_tensors
        of_logits = torch.empty_like(log_probs, dtype=ctx.dtype)
        size = _SLOTS if gradient.device.type == "cpu" else gradient.numel()
        flat = log_probs.flatten(0, 1), targets.view(-1, 1), gradient.reshape(-1, 1), of_logits.flatten(0, 1)
        for slots, originals, gradients, result in zip(*(each.split(size) for each in flat), strict=True):
            result.copy_(slots.exp().mul_(-gradients).scatter_add_(1, originals, gradients))
        return of_logits, None, None
