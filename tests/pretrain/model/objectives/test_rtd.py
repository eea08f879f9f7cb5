"""The loss of replaced token detection is the binary cross-entropy of every token that is not padding."""

from __future__ import annotations

import math

import pytest
import torch

from configs.load import load
from pretrain.model.objectives import Settings
from pretrain.model.objectives.rtd import Objective
from tests.pretrain.model.objectives.forwards import batch_by_hand, forward_by_hand

HIDDEN = 4


def _objective() -> Objective:
    """A head whose logit is log 3 for a state of tens, and 0 for a state of zeros, because gelu(10) is 10."""
    tower = f"{{layers=1, hidden={HIDDEN}, heads=1, intermediate=4}}"
    objective = Objective(Settings(weight=1.0), load("tiny", [f"model.discriminator={tower}"]))
    with torch.no_grad():
        objective.dense.weight.copy_(torch.eye(HIDDEN))
        objective.prediction.weight.fill_(math.log(3) / (10 * HIDDEN))
        objective.dense.bias.zero_()
        objective.prediction.bias.zero_()
    return objective


def _states(suspected: list[list[int]]) -> torch.Tensor:
    return 10.0 * torch.tensor(suspected)[:, :, None].expand(-1, -1, HIDDEN)


def test_a_positive_logit_says_replaced() -> None:
    assert _objective().logits(_states([[1, 0], [0, 1]])).flatten().tolist() == pytest.approx(
        [math.log(3), 0, 0, math.log(3)]
    )


def test_loss_by_hand() -> None:
    batch = batch_by_hand([[2, 5, 6, 3, 0]], slots=[[1, 2]], filled=[[1, 1]])
    # The probabilities of "replaced" are 1/2, 3/4, 3/4, 1/2; only the second token was replaced. Padding adds nothing.
    replaced = torch.tensor([[False, True, False, False, True]])
    loss = _objective()(forward_by_hand(batch, states=_states([[0, 1, 1, 0, 1]]), replaced=replaced))
    assert loss.item() == pytest.approx(-math.log(1 / 2 * 3 / 4 * 1 / 4 * 1 / 2))


def test_count_is_the_number_of_tokens_without_padding() -> None:
    assert _objective().count(batch_by_hand([[2, 5, 3, 0], [2, 3, 0, 0]], slots=[[1], [0]], filled=[[1], [0]])) == 5
    assert _objective().count(batch_by_hand([[2]], slots=[[0]], filled=[[0]])) == 1


def test_the_last_layer_begins_by_glorot() -> None:
    """Glorot's limit for one output is sqrt(6 / (inputs + 1)), far beyond the normal 0.02 of the other layers."""
    objective = Objective(Settings(weight=1.0), load("tiny"))
    torch.manual_seed(0)
    objective.initialize()
    weight = objective.prediction.weight
    limit = math.sqrt(6 / (weight.shape[1] + 1))
    assert limit / 2 < weight.abs().max().item() <= limit
