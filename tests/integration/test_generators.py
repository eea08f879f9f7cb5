"""The generators that a run can have: their temperature, embeddings of their own, and frozen ones."""

from __future__ import annotations

import shutil
from pathlib import Path

from data_prep.shards import Corpus
from pretrain.run import checkpoint
from pretrain.step.world import World
from pretrain.train import train
from tests.integration.test_layouts import go_on_from
from tests.integration.test_run import recipe, training

FALLS = ("corruption.temperature_start=50.0", "corruption.temperature_steps=8", "optimizer.learning_rate=0.01")


def test_the_temperature_of_a_step_is_the_same_after_an_interruption(
    corpus: Corpus, world: World, tmp_path: Path
) -> None:
    """At 50 the samples are nearly uniform. The steps after the fall sample at the temperature 1 again."""
    falling = recipe(*FALLS)
    assert train(falling, corpus, tmp_path / "whole", world, "auto")
    shutil.copytree(tmp_path / "whole", tmp_path / "cut")
    go_on_from(tmp_path / "cut", 8)
    assert checkpoint.list_checkpoints(tmp_path / "cut" / "checkpoints")[-1].name == "step-00000008"
    assert train(falling, corpus, tmp_path / "cut", world, "auto")
    assert training(tmp_path / "cut") == training(tmp_path / "whole")
    assert train(recipe(*FALLS[2:]), corpus, tmp_path / "constant", world, "auto")
    falls, constant = training(tmp_path / "whole"), training(tmp_path / "constant")
    assert falls[8]["sampled_accuracy"] < constant[8]["sampled_accuracy"]
