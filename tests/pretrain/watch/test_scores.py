"""Scores against their definitions, the same on any number of processes, and without a trace in training."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from configs.recipe import Recipe
from data_prep.shards import Corpus
from pretrain.model.pair import ElectraPair
from pretrain.step.world import World
from pretrain.watch.detection import detection_scores
from pretrain.watch.scores import evaluate


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
    assert detection_scores(histogram.numpy())["auc"] == whole["auc"]
    assert float(sums[0] / sums[2]) == pytest.approx(whole["mlm_loss"], rel=1e-6)
