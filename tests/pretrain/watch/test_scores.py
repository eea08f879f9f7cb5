"""Evaluations are the same every time, the same on any number of processes, and leave no trace in training."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from configs.recipe import Recipe
from configs.vocabulary.entries import read_folder
from data_prep.rows import Planes
from data_prep.shards import Corpus
from pretrain.model.pair import ElectraPair
from pretrain.step.world import World
from pretrain.watch.scores import Evaluation, evaluate

CPU = torch.device("cpu")


def evaluation_of(
    pair: ElectraPair, corpus: Corpus, recipe: Recipe, num_rows: int, rank: int = 0, size: int = 1
) -> Evaluation:
    evaluation = evaluate(pair, corpus, recipe, World(rank, size, CPU, None), torch.float32, num_rows)
    assert evaluation
    return evaluation


@pytest.fixture
def pair(small_recipe: Recipe) -> ElectraPair:
    torch.manual_seed(1)
    return ElectraPair(small_recipe)


def test_it_is_deterministic_and_leaves_no_trace(pair: ElectraPair, corpus: Corpus, small_recipe: Recipe) -> None:
    state = torch.get_rng_state()
    first, second = (evaluation_of(pair, corpus, small_recipe, 1000) for _ in range(2))
    assert first.scores == second.scores
    vocabulary = read_folder(corpus.folder)
    assert first.excerpts.rows(vocabulary) == second.excerpts.rows(vocabulary)
    assert torch.equal(torch.get_rng_state(), state)
    assert first.scores["masked_accuracy"] < 0.1
    assert first.scores["mlm_loss"] == pytest.approx(np.log(small_recipe.vocabulary.size), rel=0.05)


def test_every_slot_has_an_entropy_and_every_token_a_logit(
    pair: ElectraPair, corpus: Corpus, small_recipe: Recipe
) -> None:
    """A pair with first weights predicts all tokens alike: the entropy is ln 1200 = 7.09, in bin 56 of 1/8 nat."""
    evaluation = evaluation_of(pair, corpus, small_recipe, 9)
    assert evaluation.logits is not None
    rows = corpus.read("validation", np.arange(corpus.num_rows("validation")))
    assert evaluation.logits.sum() <= rows["length"].sum()
    assert set(np.flatnonzero(evaluation.entropies)) <= {55, 56}
    whole = evaluation_of(pair, corpus, small_recipe, 10**6)
    assert whole.logits is not None and whole.logits.sum() == rows["length"].sum()


def test_two_processes_evaluate_as_one(
    pair: ElectraPair, corpus: Corpus, small_recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tensors that the second process adds to a sum are recorded, and the first process then adds them."""
    vocabulary = read_folder(corpus.folder)
    whole = evaluation_of(pair, corpus, small_recipe, 9)
    shared: list[torch.Tensor] = []
    monkeypatch.setattr(World, "sum", lambda self, tensor: shared.append(tensor.clone()) or tensor)
    evaluation_of(pair, corpus, small_recipe, 9, rank=1, size=2)
    monkeypatch.setattr(World, "sum", lambda self, tensor: tensor.add_(shared.pop(0)))
    both = evaluation_of(pair, corpus, small_recipe, 9, rank=0, size=2)
    assert not shared
    assert both.scores == pytest.approx(whole.scores, rel=1e-6)
    assert both.scores["auc"] == whole.scores["auc"]
    assert np.array_equal(both.entropies, whole.entropies)
    assert both.logits is not None and whole.logits is not None and np.array_equal(both.logits, whole.logits)
    assert both.excerpts.rows(vocabulary) == whole.excerpts.rows(vocabulary)


def test_without_held_out_rows_there_is_no_evaluation(pair: ElectraPair, corpus: Corpus, small_recipe: Recipe) -> None:
    assert evaluate(pair, corpus, small_recipe, World(0, 1, CPU, None), torch.float32, 0) is None


def test_always_saying_the_most_frequent_token(pair: ElectraPair, corpus: Corpus, small_recipe: Recipe) -> None:
    """The share is counted here with numpy, from the rows and masks of the corpus."""
    numbers = np.arange(corpus.num_rows("validation"))
    rows, masks = corpus.read_masked("validation", numbers, np.zeros_like(numbers))
    masked = Planes.of(rows, corpus.special).tokens[masks]
    share = evaluation_of(pair, corpus, small_recipe, 1000).scores["commonest_share"]
    assert share == np.bincount(masked).max() / len(masked)
    assert 0.02 < share < 0.2
