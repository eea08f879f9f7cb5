"""The loss of multi-token selection is averaged over the replaced tokens of each group of rows."""

from __future__ import annotations

import math

import pytest
import torch

from configs.common.errors import UserError
from configs.load import load
from pretrain.model.objectives import Settings
from pretrain.model.objectives.mts import Objective
from tests.pretrain.model.objectives.forwards import VOCABULARY, batch_by_hand, forward_by_hand

HIDDEN = 4
OVERRIDES = (
    f"model.discriminator={{layers=1, hidden={HIDDEN}, heads=1, intermediate=4}}",
    f"model.embedding={HIDDEN}",
    f"vocabulary.size={VOCABULARY}",
    "corruption.candidates=2",
    "batch.rows=2",
    "batch.micro_rows=2",
)
BATCH = batch_by_hand([[2, 5, 6, 3], [2, 7, 3, 0]], slots=[[1, 2], [1, 0]], filled=[[1, 1], [1, 0]])
CANDIDATES = torch.tensor([[[1, 4], [1, 4]], [[1, 4], [1, 4]]])


def _objective(*overrides: str) -> Objective:
    """A head that chooses by the bias alone: twice as likely as another token is 5, six times as likely is 7."""
    objective = Objective(Settings(weight=1.0), load("tiny", [*OVERRIDES, *overrides])).eval()
    with torch.no_grad():
        for parameter in objective.parameters():
            parameter.zero_()
        objective.bias[5], objective.bias[7] = math.log(2), math.log(6)
    return objective


def test_rows_alone_by_hand() -> None:
    """Of the slots of the first row only the first is replaced; the sample of the unfilled slot does not count."""
    sampled = torch.tensor([[4, 6], [1, 7]])
    loss = _objective()(forward_by_hand(BATCH, HIDDEN, sampled=sampled, candidates=CANDIDATES))
    # 5 is chosen among 5, 1 and 4 with the probability 2/4, and 7 among 7, 1 and 4 with 6/8.
    assert loss.item() == pytest.approx(math.log(4 / 2) + math.log(8 / 6))


def test_a_group_by_hand() -> None:
    """Three replaced tokens of two rows have their mean as loss, once for each row."""
    sampled = torch.tensor([[4, 4], [1, 7]])
    objective = _objective("batch.group_rows=2")
    loss = objective(forward_by_hand(BATCH, HIDDEN, sampled=sampled, candidates=CANDIDATES))
    assert loss.item() == pytest.approx(2 * (math.log(4 / 2) + math.log(3) + math.log(8 / 6)) / 3)
    assert objective.count(BATCH) == 2


def test_nothing_replaced_is_no_loss() -> None:
    assert _objective()(forward_by_hand(BATCH, HIDDEN, candidates=CANDIDATES)).item() == 0


def test_a_candidate_is_compared_by_its_embedding() -> None:
    """With a query of tens, since gelu(10) is 10, an embedding of one log 2 / 10 doubles the odds of the token 6."""
    objective, table = _objective(), torch.zeros(VOCABULARY, HIDDEN)
    with torch.no_grad():
        objective.dense.weight.copy_(torch.eye(HIDDEN))
    table[6, 0] = math.log(2) / 10
    states = torch.full((2, 4, HIDDEN), 10.0)
    logits = objective.logits(forward_by_hand(BATCH, HIDDEN, states=states, word_table=table, candidates=CANDIDATES))
    assert logits[0, 1].tolist() == pytest.approx([math.log(2), 0, 0])


def test_a_recipe_that_does_not_fit_is_refused() -> None:
    with pytest.raises(UserError, match=r"model.discriminator.hidden \(4\) is not model.embedding \(8\)"):
        _objective("model.embedding=8")
    with pytest.raises(UserError, match=r"needs corruption.candidates, which is 0; ERNIE-Health has 5"):
        _objective("corruption.candidates=0")
