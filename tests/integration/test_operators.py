"""A step never waits for the device, and it launches no more operators than its budget allows."""

from __future__ import annotations

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from benchmarks.operators import count, step_of
from configs.load import load

# The number of operators in forward pass, backward pass and update, by recipe. A change that needs more operators
# states the new number here, with its reason in the commit.
BUDGET = {"tiny": (166, 157, 8), "small": (791, 766, 8), "base": (838, 775, 8)}


@pytest.mark.parametrize("name", BUDGET)
def test_a_step_stays_within_its_budget_of_operators(name: str) -> None:
    """On the meta device, an operator that waits for a value or mixes two devices raises an error."""
    numbers = {part: counts.operators.total() for part, counts in count(load(name), rows=2).items()}
    assert all(number <= most for number, most in zip(numbers.values(), BUDGET[name], strict=True)), numbers


def test_the_number_of_operators_does_not_grow_with_the_rows() -> None:
    recipe = load("tiny")
    few, many = count(recipe, rows=2), count(recipe, rows=8)
    assert all(few[part].operators == many[part].operators for part in few)


def test_the_flops_are_those_of_the_matrix_products() -> None:
    """The products of a layer grow linearly with the rows, so twice the rows take twice the FLOPs."""
    recipe = load("tiny")
    few, many = count(recipe, rows=4), count(recipe, rows=8)
    assert few["forward"].flops > 0
    assert all(many[part].flops == 2 * few[part].flops for part in few)


def test_a_step_of_health_waits_for_no_value() -> None:
    """The objectives of `health` switch autocast off, which the meta device does not know.

    Fake tensors on the CPU also have no values, and raise an error where one is needed.
    """
    recipe = load("health")
    with FakeTensorMode():
        for _, run in step_of(recipe, recipe.batch.group_rows * recipe.batch.views):
            run()


def test_an_operator_that_waits_is_noticed() -> None:
    with torch.device("meta"), pytest.raises(RuntimeError, match="item"):
        torch.zeros(1).item()
