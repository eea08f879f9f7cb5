"""A linear layer gives the output and the gradients of torch's own, whatever path computes them."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from pretrain.model.linear import Linear, linear


@pytest.mark.parametrize("shape", [(1, 3), (5, 3), (2, 4, 3), (0, 3)])
@pytest.mark.parametrize("num_outputs", [2, 7])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_output_and_gradients_are_those_of_torch(shape: tuple[int, ...], num_outputs: int, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    shapes = (shape, (num_outputs, 3), (num_outputs,))
    actual, torchs = ([torch.randn(size, dtype=dtype).requires_grad_() for size in shapes] for _ in range(2))
    for left, right in zip(actual, torchs, strict=True):
        left.data.copy_(right.data)
    weights = torch.randn(*shape[:-1], num_outputs, dtype=dtype)
    outputs = linear(*actual), F.linear(*torchs)
    torch.testing.assert_close(outputs[0], outputs[1])
    for output in outputs:
        (output * weights).sum().backward()
    for left, right in zip(actual, torchs, strict=True):
        torch.testing.assert_close(left.grad, right.grad)


def test_states_without_a_gradient() -> None:
    layer, states = Linear(3, 2), torch.randn(4, 3)
    layer(states).sum().backward()
    assert states.grad is None
    torch.testing.assert_close(layer.weight.grad, states.sum(0).expand(2, 3))
    torch.testing.assert_close(layer.bias.grad, torch.full((2,), 4.0))


def test_autocast_computes_in_bf16() -> None:
    layer = Linear(3, 2)
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(torch.randn(4, 3)).dtype == torch.bfloat16
