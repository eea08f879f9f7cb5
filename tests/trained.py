"""Train a small run for twelve steps, at a learning rate at which weights move visibly."""

from __future__ import annotations

from pathlib import Path

import pytest

from configs.load import load
from data_prep.shards import Corpus
from pretrain.step.world import World
from pretrain.train import train
from tests.conftest import SMALL


@pytest.fixture(scope="session")
def run(corpus_folder: Path, world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run with checkpoints at the steps 4, 8 and 12, and evaluations at 6 and 12."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    recipe = load("tiny", [*SMALL, "optimizer.learning_rate=0.01", "run.keep_last=3"])
    assert train(recipe, Corpus(corpus_folder), folder, world, "auto")
    return folder
