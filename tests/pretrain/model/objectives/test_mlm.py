"""The loss of masked language modelling is the negative log likelihood of the originals of the filled slots."""

from __future__ import annotations

import math

import pytest
import torch

from configs.load import load
from pretrain.model.objectives import Settings
from pretrain.model.objectives.mlm import Objective
from pretrain.model.sampling import BLOCK
from tests.pretrain.model.objectives.forwards import VOCABULARY, batch_by_hand, forward_by_hand


def _objective(size: int = VOCABULARY) -> Objective:
    return Objective(Settings(weight=1.0), load("tiny", [f"vocabulary.size={size}"]))


def test_loss_by_hand() -> None:
    batch = batch_by_hand([[2, 5, 6, 3], [2, 7, 3, 0]], slots=[[1, 2], [1, 0]], filled=[[1, 1], [1, 0]])
    likelihoods = torch.tensor([[1 / 2, 1 / 4], [1 / 8, 1 / 64]])
    loss = _objective()(forward_by_hand(batch, log_likelihoods=likelihoods.log()))
    # The unfilled slot, whose target has the probability 1/64, adds nothing.
    assert loss.item() == pytest.approx(math.log(2 * 4 * 8))


def test_count_is_the_number_of_filled_slots() -> None:
    batch = batch_by_hand([[2, 5, 6, 3], [2, 7, 3, 0]], slots=[[1, 2], [1, 0]], filled=[[1, 1], [1, 0]])
    assert _objective().count(batch) == 3


def test_no_filled_slot_is_no_loss() -> None:
    batch = batch_by_hand([[2, 3]], slots=[[0, 0]], filled=[[0, 0]])
    uniform = torch.full((1, 2), -math.log(VOCABULARY))
    assert _objective().count(batch) == 0
    assert _objective()(forward_by_hand(batch, log_likelihoods=uniform)).item() == 0


@pytest.mark.parametrize("size", [BLOCK, BLOCK + 1])
def test_a_padded_token_has_the_probability_zero(size: int) -> None:
    objective = _objective(size)
    model = load("tiny").model
    torch.manual_seed(0)
    states, table = torch.randn(2, 3, model.generator.hidden), torch.randn(size, model.embedding_of_generator)
    logits = objective.logits(states, table)
    assert logits.shape == (2, 3, -(-size // BLOCK) * BLOCK)
    assert torch.isfinite(logits[..., :size]).all() and not logits.softmax(-1)[..., size:].any()


def test_the_logits_of_a_head_without_states_are_its_bias() -> None:
    """With a norm that gives zero, the word table adds nothing, and the bias of each token remains."""
    objective = _objective(BLOCK)
    torch.nn.init.zeros_(objective.norm.weight)
    with torch.no_grad():
        objective.bias.copy_(torch.arange(BLOCK) / 8)
    model = load("tiny").model
    logits = objective.logits(torch.ones(1, model.generator.hidden), torch.ones(BLOCK, model.embedding_of_generator))
    assert logits[0].tolist() == (torch.arange(BLOCK) / 8).tolist()
