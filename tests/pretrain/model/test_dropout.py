"""Dropout on a CPU: its law, its gradients beside those of the plain formula, and what decides its bits."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from pretrain.model.attention import attend, bounds
from pretrain.model.dropout import Dropout, kept, mark, mask_of, masked, scale
from pretrain.model.encoder import Layer
from tests.pretrain.model.test_encoder import reduced

ROWS, COLUMNS = 2048, 1024


def standardized(rate: float, rows: int = ROWS) -> Tensor:
    """[rows, COLUMNS] of mean 0 and deviation 1, if the law holds."""
    return (kept((rows, COLUMNS), rate, torch.float32).bool().double() - (1 - rate)) / math.sqrt(rate * (1 - rate))


def deviations(products: Tensor) -> float:
    """How far a mean of so many numbers, of mean 0 and deviation 1, is from 0."""
    return abs(float(products.mean())) * math.sqrt(products.numel())


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_a_share_is_dropped_and_the_mean_stays(rate: float) -> None:
    torch.manual_seed(0)
    assert deviations(standardized(rate)) < 4
    drop = Dropout(rate)
    dropped = drop(torch.full((ROWS, COLUMNS), 2.0))
    assert set(dropped.unique().tolist()) == {0.0, float(torch.tensor(2.0) * torch.tensor(scale(rate)))}
    # The share is a multiple of 2**-16, and what is kept is scaled by exactly its inverse.
    share = 1 - 1 / scale(rate)
    assert abs(share - rate) <= 2**-17
    assert share * 2**16 == pytest.approx(round(rate * 2**16), abs=1e-9)


def test_neither_a_rate_next_to_0_nor_one_next_to_1_divides_by_0() -> None:
    assert (scale(1e-9), scale(1 - 1e-9)) == (1, 2**16)
    assert kept((100, 100), 1e-9, torch.float32).all()


def test_elements_are_independent() -> None:
    """In pairs next to each other and at the distances of halves, rows and blocks; in fours at the corners of a box."""
    torch.manual_seed(1)
    numbers = standardized(0.1)
    flat = numbers.view(-1)
    for distance in (1, 2, 3, 64, 128, COLUMNS, 2 * COLUMNS, 2 * COLUMNS + 1, 1 << 20):
        assert deviations(flat[:-distance] * flat[distance:]) < 4, distance
    for below in (1, 2, 64):
        for right in (1, 2, 512):
            upper, lower = numbers[:-below], numbers[below:]
            corners = upper[:, :-right] * upper[:, right:] * lower[:, :-right] * lower[:, right:]
            assert deviations(corners) < 4, (below, right)


def test_the_number_dropped_in_a_row_and_in_a_column_has_the_variance_of_independent_draws() -> None:
    torch.manual_seed(2)
    numbers = standardized(0.1)
    for sums, size in ((numbers.sum(1), COLUMNS), (numbers.sum(0), ROWS)):
        assert float(sums.var()) / size == pytest.approx(1, abs=4 * math.sqrt(2 / len(sums)))


def test_calls_are_independent_and_repeat_with_the_state_of_torch_s_generator() -> None:
    torch.manual_seed(3)
    first, second = standardized(0.1), standardized(0.1)
    assert deviations(first * second) < 4
    torch.manual_seed(3)
    assert torch.equal(standardized(0.1), first)
    assert torch.equal(standardized(0.1), second)
    torch.manual_seed(4)
    assert deviations(first * standardized(0.1)) < 4


def test_the_bits_do_not_depend_on_the_number_of_threads() -> None:
    before = torch.get_num_threads()
    masks = []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            torch.manual_seed(5)
            masks.append(kept((333, 1111), 0.3, torch.bfloat16))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*masks)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_gradient_is_dropped_where_the_states_were(dtype: torch.dtype) -> None:
    drop, states = Dropout(0.3), torch.ones(5, 7, 3, dtype=dtype, requires_grad=True)
    dropped = drop(states)
    dropped.sum().backward()
    assert dropped.dtype == dtype
    assert states.grad is not None
    assert torch.equal(states.grad, dropped)
    assert drop.eval()(states) is states


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_a_sign_tells_what_is_dropped(dtype: torch.dtype) -> None:
    mask, values = kept((50, 20), 0.4, dtype), torch.rand(50, 20, dtype=dtype)
    marked = values.clone()
    mark(marked, mask)
    assert torch.equal(marked, torch.where(mask.bool(), values, -values))
    assert torch.equal(mask_of(marked), mask)
    assert torch.equal(masked(values, mask), values * mask.bool())


@pytest.mark.parametrize("rate", [0.0, 0.3])
def test_an_update_is_added_as_if_it_were_dropped_first(rate: float) -> None:
    """The gradients too. The update is in bf16, and the states are in fp32."""
    drop, states, update = Dropout(rate), torch.randn(40, 30), torch.randn(40, 30).bfloat16()
    weights, results = torch.randn(40, 30), list[tuple[Tensor, ...]]()
    for way in (drop.add, lambda states, update: states + drop(update.float())):
        inputs = states.clone().requires_grad_(), update.clone().requires_grad_()
        torch.manual_seed(11)
        result = way(*inputs)
        assert result.dtype == torch.float32
        results.append((result, *torch.autograd.grad(result, inputs, weights)))
    for actual, plain in zip(*results, strict=True):
        torch.testing.assert_close(actual, plain)
    assert drop.eval().add(states, update).equal(states + update)


def packed() -> Tensor:
    """Two rows of examples: three and padding, and one that fills its row."""
    return torch.tensor([[1] * 3 + [2] * 4 + [3] * 2 + [0] * 2, [1] * 11])


def plainly(parts: Tensor, seen: Tensor, rate: float) -> Tensor:
    """The formula, by autograd."""
    query, key, value = parts.permute(2, 0, 3, 1, 4)
    scores = (query @ key.mT / math.sqrt(parts.shape[-1])).masked_fill(~seen, -math.inf)
    mask = kept(tuple(scores.shape), rate, parts.dtype).bool()
    return (scores.softmax(-1) * mask * scale(rate) @ value).transpose(1, 2)


def test_attention_and_its_gradients_are_those_of_the_plain_formula() -> None:
    torch.manual_seed(6)
    parts = torch.randn(2, 11, 3, 2, 4, dtype=torch.float64, requires_grad=True)
    wanted = torch.randn(2, 11, 2, 4, dtype=torch.float64)
    results = []
    for way in (attend, plainly):
        torch.manual_seed(7)
        context = way(parts, bounds(packed()).mask, 0.3)
        results.append((context, *torch.autograd.grad(context, parts, wanted)))
    for actual, plain in zip(*results, strict=True):
        torch.testing.assert_close(actual, plain, rtol=1e-12, atol=1e-12)
    assert not torch.allclose(results[0][0], attend(parts, bounds(packed()).mask, 0.0))


def test_attention_in_bf16_is_as_exact_as_its_type() -> None:
    torch.manual_seed(8)
    parts, wanted = torch.randn(2, 64, 3, 2, 16), torch.randn(2, 64, 2, 16)
    results = []
    for dtype in (torch.float32, torch.bfloat16):
        inputs = parts.to(dtype).requires_grad_()
        torch.manual_seed(9)
        context = attend(inputs, bounds(torch.ones(2, 64, dtype=torch.long)).mask, 0.1)
        results.append((context, *torch.autograd.grad(context, inputs, wanted.to(dtype))))
    for wide, narrow in zip(*results, strict=True):
        assert narrow.dtype == torch.bfloat16
        assert (narrow.float() - wide).norm() / wide.norm() < 2**-7


def test_a_compiler_draws_its_own_bits() -> None:
    """Nothing of a layer is left to the interpreter."""
    recipe = reduced("tiny", "model.dropout=0.1", "model.attention_dropout=0.1")
    layer = Layer(recipe.model.discriminator, recipe.model)
    states = torch.randn(2, 11, recipe.model.discriminator.hidden)
    seen = bounds(packed())
    compiled = torch.compile(layer, backend="eager", fullgraph=True)
    torch.manual_seed(10)
    first = compiled(states, seen)
    assert not torch.equal(first, compiled(states, seen))
    torch.manual_seed(10)
    assert torch.equal(first, compiled(states, seen))
    layer.eval()
    assert torch.equal(layer(states, seen), compiled(states, seen))
