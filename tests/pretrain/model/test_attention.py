"""Attention by mask, and by the borders of examples in rows laid end to end: the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor

from pretrain.model import attention
from pretrain.model.attention import Bounds, SelfAttention
from pretrain.model.batch import borders_of

EXAMPLES = np.array([[1] * 7 + [2] * 30 + [0] * 11, [1] * 48, [1] * 3 + [2] * 20 + [3] * 25])


def bounds_on(device: str) -> Bounds:
    examples = torch.from_numpy(EXAMPLES).to(device)
    return attention.bounds(examples, torch.from_numpy(borders_of(EXAMPLES)).to(device))


def test_borders_say_what_the_mask_says() -> None:
    parts = torch.randn(3, 48, 3, 2, 16)
    laid_out = parts.flatten(0, 1)  # [B L, 3, H, W]
    alone: list[Tensor] = []
    for begin, end in pairwise(borders_of(EXAMPLES).tolist()):
        query, key, value = laid_out[begin:end].permute(1, 2, 0, 3)
        alone.append((query @ key.mT / 4).softmax(-1).matmul(value).transpose(0, 1))
    together = attention.attend(parts, bounds_on("cpu").mask, 0.0)
    torch.testing.assert_close(torch.cat(alone).view_as(together), together, atol=1e-6, rtol=1e-5)


def eagerly(parts: Tensor, mask: Tensor) -> Tensor:
    """The attention that transformers calls eager: the softmax is computed in fp32 at least."""
    query, key, value = parts.permute(2, 0, 3, 1, 4)
    scores = (query @ key.mT * parts.shape[-1] ** -0.5).masked_fill(~mask, torch.finfo(parts.dtype).min)
    probabilities = scores.softmax(-1, dtype=torch.promote_types(parts.dtype, torch.float32)).to(parts.dtype)
    return (probabilities @ value).transpose(1, 2)


def with_gradient(attend: Callable[[Tensor, Tensor], Tensor], parts: Tensor, weights: Tensor) -> list[Tensor]:
    """Return the context, and the gradient of its weighted sum."""
    inputs = parts.clone().requires_grad_()
    context = attend(inputs, bounds_on("cpu").mask)
    return [
        context.detach().double(),
        *(gradient.double() for gradient in torch.autograd.grad(context, inputs, weights)),
    ]


def test_attention_in_bf16_on_a_cpu_has_the_error_of_eager_attention() -> None:
    """Both are compared with double precision, over 20 draws. Our gradient is rounded once more: .0041, not .0034."""
    ways = (lambda parts, mask: attention.attend(parts, mask, 0.0), eagerly)
    errors = torch.zeros(2, 2, dtype=torch.float64)
    for seed in range(20):
        torch.manual_seed(seed)
        parts, weights = torch.randn(3, 48, 3, 2, 16).bfloat16(), torch.randn(3, 48, 2, 16).bfloat16()
        exact = with_gradient(eagerly, parts.double(), weights.double())
        for number, way in enumerate(ways):
            results = with_gradient(way, parts, weights)
            errors[number] += torch.stack([(a - b).norm() / b.norm() for a, b in zip(results, exact, strict=True)]) / 20
    ours, eager = errors
    assert (ours < 2**-7).all() and (ours < 1.25 * eager).all(), errors


@pytest.mark.parametrize("dropout", [0.0, 0.1])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_context_is_the_same_without_a_gradient(dtype: torch.dtype, dropout: float) -> None:
    parts, contexts = torch.randn(3, 48, 3, 2, 16, dtype=dtype), []
    for needs_gradient in (True, False):
        torch.manual_seed(1)
        inputs = parts.clone().requires_grad_(needs_gradient)
        contexts.append(attention.attend(inputs, bounds_on("cpu").mask, dropout).detach())
    torch.testing.assert_close(*contexts, atol=1e-6, rtol=1e-5)


@pytest.mark.skipif(
    not torch.cuda.is_available() or torch.cuda.get_device_capability() < (8, 0),
    reason="variable-length attention needs a GPU since Ampere",
)
def test_variable_length_attention_gives_the_numbers_of_the_mask() -> None:
    torch.manual_seed(0)
    layer = SelfAttention(128, 2, dropout=0.0).cuda().bfloat16()
    states = torch.randn(3, 48, 128, device="cuda", dtype=torch.bfloat16)
    results: list[list[Tensor]] = []
    for bounds in (bounds_on("cuda"), Bounds(bounds_on("cuda").mask, borders=None)):
        layer.zero_grad()
        output = layer(states, bounds)
        output.float().square().sum().backward()
        results.append([output, *(parameter.grad for parameter in layer.parameters() if parameter.grad is not None)])
    for by_borders, by_mask in zip(*results, strict=True):
        torch.testing.assert_close(by_borders, by_mask, atol=2e-2, rtol=2e-2)
