"""Scores against their definitions, the same on any number of processes, and without a trace in training."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from configs.recipe import Recipe
from data_prep.shards import Corpus
from pretrain.model.pair import ElectraPair
from pretrain.step.world import World
from pretrain.watch.scores import _detection, _histogram, evaluate


def test_detection_scores_are_their_definitions() -> None:
    generator = np.random.default_rng(0)
    replaced = generator.random(3000) < 0.12
    logits = generator.normal(size=3000) + 1.5 * replaced - 1
    real = generator.random(3000) < 0.9
    inputs = (torch.from_numpy(logits), torch.from_numpy(replaced), torch.from_numpy(real))
    scores = _detection(_histogram(*(tensor[None] for tensor in inputs)).numpy())
    positive, negative = logits[replaced & real], logits[~replaced & real]
    pairs = (positive[:, None] > negative[None, :]).mean()
    assert scores["auc"] == pytest.approx(pairs, abs=1e-3)
    called = logits[real] >= 0
    assert scores["precision"] == pytest.approx(replaced[real][called].mean(), abs=1e-9)
    assert scores["recall"] == pytest.approx(called[replaced[real]].mean(), abs=1e-9)
    assert scores["accuracy"] == pytest.approx((called == replaced[real]).mean(), abs=1e-9)
    assert scores["replaced_share"] == pytest.approx(replaced[real].mean(), abs=1e-9)


def test_a_constant_discriminator_is_at_chance() -> None:
    histogram = np.zeros((2, 4096))
    histogram[:, 100] = (900, 100)
    assert _detection(histogram)["auc"] == 0.5


def test_it_is_deterministic_and_leaves_no_trace(corpus: Corpus, small_recipe: Recipe) -> None:
    torch.manual_seed(1)
    pair = ElectraPair(small_recipe)
    alone = World(0, 1, torch.device("cpu"), None)
    state = torch.get_rng_state()
    first = evaluate(pair, corpus, small_recipe, alone, torch.float32, 1000)
    assert first == evaluate(pair, corpus, small_recipe, alone, torch.float32, 1000)
    assert torch.equal(torch.get_rng_state(), state)
    assert first["masked_accuracy"] < 0.1
    assert first["mlm_loss"] == pytest.approx(np.log(small_recipe.vocabulary.size), rel=0.05)


def test_the_rows_of_two_processes_are_those_of_one(
    corpus: Corpus, small_recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(1)
    pair = ElectraPair(small_recipe)
    device = torch.device("cpu")
    whole = evaluate(pair, corpus, small_recipe, World(0, 1, device, None), torch.float32, 9)
    shared: list[torch.Tensor] = []
    monkeypatch.setattr(World, "sum", lambda self, tensor: shared.append(tensor.clone()) or tensor)
    for rank in (0, 1):
        evaluate(pair, corpus, small_recipe, World(rank, 2, device, None), torch.float32, 9)
    sums, histogram = shared[0] + shared[2], shared[1] + shared[3]
    assert _detection(histogram.numpy())["auc"] == whole["auc"]
    assert float(sums[0] / sums[2]) == pytest.approx(whole["mlm_loss"], rel=1e-6)
