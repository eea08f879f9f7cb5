"""The log likelihoods of originals and their gradient are those of autograd."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from pretrain.model.likelihood import log_likelihoods

SHAPE = (3, 11, 64)  # more slots than are computed together


def plainly(logits: Tensor, targets: Tensor) -> Tensor:
    return logits.float().log_softmax(-1).gather(2, targets[:, :, None]).squeeze(2)


def ours(logits: Tensor, targets: Tensor) -> Tensor:
    return log_likelihoods(logits, logits.detach().float().log_softmax(-1), targets)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_likelihoods_and_gradient_are_those_of_autograd(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    logits = (4 * torch.randn(SHAPE)).to(dtype)
    logits[..., -5:] = -torch.inf  # padding of the vocabulary
    targets, weights = torch.randint(SHAPE[2] - 5, SHAPE[:2]), torch.randn(SHAPE[:2])
    weights[0, :4] = 0  # slots that are not filled
    results: list[tuple[Tensor, ...]] = []
    for way in (ours, plainly):
        inputs = logits.clone().requires_grad_()
        likelihoods = way(inputs, targets)
        results.append((likelihoods, *torch.autograd.grad(likelihoods, inputs, weights)))
    (actual, gradient), (expected, expected_gradient) = results
    assert torch.equal(actual, expected)
    # Both are computed in fp32 and then rounded to the type of the logits, where a last bit may differ.
    torch.testing.assert_close(gradient, expected_gradient, rtol=2**-7 if dtype == torch.bfloat16 else 1e-5, atol=1e-6)
    assert not gradient[0, :4].any() and not gradient[..., -5:].any()


def test_a_token_that_is_almost_certain_has_the_gradient_of_its_doubt() -> None:
    """In bf16 its probability would be 1, and its gradient 0."""
    logits = torch.zeros(1, 1, 64, dtype=torch.bfloat16)
    logits[0, 0, 7] = 12
    logits.requires_grad_()
    ours(logits, torch.tensor([[7]])).backward()
    assert logits.grad is not None
    doubt = 1 - logits.detach().double().softmax(-1)[0, 0, 7]
    assert 0 < doubt < 2**-11
    torch.testing.assert_close(logits.grad[0, 0, 7].double(), doubt, rtol=2**-8, atol=0)
