"""The loss of contrastive sequence prediction is NT-Xent over both views of the rows of a group."""

from __future__ import annotations

import math

import pytest
import torch

from configs.common.errors import UserError
from configs.load import load
from pretrain.model.objectives.csp import Objective, Settings
from tests.pretrain.model.objectives.forwards import batch_by_hand, forward_by_hand

HIDDEN = 4
OVERRIDES = (
    f"model.discriminator={{layers=1, hidden={HIDDEN}, heads=1, intermediate=4}}",
    "batch.rows=2",
    "batch.micro_rows=2",
    "batch.group_rows=2",
    "batch.views=2",
    "masking.maskings=2",
)
BATCH = batch_by_hand([[2, 3]] * 4, slots=[[0]] * 4, filled=[[0]] * 4)


def _objective(*overrides: str, temperature: float = 1.0) -> Objective:
    """A head that leaves states of tens as they are, because gelu(10) is 10."""
    settings = Settings(weight=1.0, width=HIDDEN, temperature=temperature)
    objective = Objective(settings, load("tiny", [*OVERRIDES, *overrides])).eval()
    with torch.no_grad():
        for layer in (objective.dense, objective.output):
            layer.weight.copy_(torch.eye(HIDDEN))
            layer.bias.zero_()
    return objective


def _loss(objective: Objective, directions: list[int]) -> float:
    """Return the loss of rows whose [CLS] points along the axes, and whose second token points elsewhere."""
    states = torch.full((4, 2, HIDDEN), 10.0)
    states[:, 0] = 10 * torch.eye(HIDDEN)[directions]
    return objective(forward_by_hand(BATCH, HIDDEN, states=states)).item()


@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_equal_views_by_hand(temperature: float) -> None:
    """Each view has the similarity 1 to its other view, and 0 to the two views of the other row."""
    likelihood = math.exp(1 / temperature) / (math.exp(1 / temperature) + 2)
    assert _loss(_objective(temperature=temperature), [0, 1, 0, 1]) == pytest.approx(-4 * math.log(likelihood))


def test_swapped_views_by_hand() -> None:
    """Each view has the similarity 1 to a view of the other row, and 0 to its own other view."""
    assert _loss(_objective(), [0, 1, 1, 0]) == pytest.approx(4 * math.log(math.e + 2))


def test_count_is_the_number_of_views_of_rows() -> None:
    assert _objective().count(BATCH) == 4


def test_a_single_row_has_nothing_to_differ_from() -> None:
    """A single row may be evaluated: the other view is the only one to choose, so its loss is zero."""
    batch = batch_by_hand([[2, 3]] * 2, slots=[[0]] * 2, filled=[[0]] * 2)
    states = torch.full((2, 2, HIDDEN), 10.0)
    assert _objective()(forward_by_hand(batch, HIDDEN, states=states)).item() == 0


def test_a_recipe_that_does_not_fit_is_refused() -> None:
    with pytest.raises(UserError, match=r"compares two views of a row; set batch.views=2"):
        _objective("batch.views=1")
    with pytest.raises(UserError, match=r"a row alone has nothing to differ from; set batch.group_rows"):
        _objective("batch.group_rows=1")
