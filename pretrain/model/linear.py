"""Matrix products with a bias: by torch's default, and on a CPU in fp32 by oneDNN.

By default, torch computes fp32 products on a CPU with MKL, and uses oneDNN for other types. On an AMD EPYC of the fifth
generation, oneDNN computes all three products of a layer twice as fast as MKL, which does not use AVX-512 there. On one
of the fourth generation, oneDNN was a fifth faster for the output of a layer and for the gradient of its input, and 3 %
slower for the gradient of the weight (docs/log.md, benchmarks/train_step.py). Other processors have not been measured.

Letters: N tokens, D inputs, E outputs.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

_HAS_ONEDNN = torch.backends.mkldnn.is_available()


class Linear(nn.Linear):
    def forward(self, input: Tensor) -> Tensor:
        return linear(input, self.weight, self.bias)


def linear(states: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """[..., D], [E, D], [E] -> [..., E]"""
    if _HAS_ONEDNN and _in_fp32_on_a_cpu(states) and not torch.compiler.is_compiling():
        return _Product.apply(states, weight, bias)
    return F.linear(states, weight, bias)


def _in_fp32_on_a_cpu(states: Tensor) -> bool:
    return states.device.type == "cpu" and states.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, states: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(states, weight)
        return _onednn(states, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(  # type: ignore[override]  # torch declares it for any number of gradients
        ctx: Any, gradient: Tensor
    ) -> tuple[Tensor | None, Tensor, Tensor]:
        states, weight = ctx.saved_tensors
        of_states = _onednn(gradient, weight.t(), None) if ctx.needs_input_grad[0] else None
        flat = gradient.reshape(-1, len(weight))
        return of_states, _of_weight(flat, states.reshape(-1, weight.shape[1])), flat.sum(0)


def _of_weight(gradient: Tensor, states: Tensor) -> Tensor:
    """The gradient of the weight: [N, E], [N, D] -> [E, D].

    oneDNN is faster if its left matrix has the fewer rows, and it refuses a product over no tokens.
    """
    if not len(gradient):
        return gradient.t() @ states
    if gradient.shape[1] < states.shape[1]:
        return _onednn(gradient.t(), states.t(), None)
    return _onednn(states.t(), gradient.t(), None).t()


def _onednn(states: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """A product by oneDNN, through the operator that torch's own compiler calls."""
    return torch.ops.mkldnn._linear_pointwise(states, weight, bias, "none", [], "")
