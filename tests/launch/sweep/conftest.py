"""A small sweep of two recipes and three seeds, whose runs are trained in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import tomli_w

from configs.load import assignments
from data_prep.shards import Corpus
from launch.sweep.definition import Sweep, read_sweep
from pretrain.step.world import World
from pretrain.train import train
from tests.conftest import SMALL

Write = Callable[..., Path]
FAST = ("schedule.steps=4", "schedule.warmup_steps=1", "run.evaluate_every=2", "run.save_every=4")


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a recipe that extends tiny."""
    file = tmp_path_factory.mktemp("recipes") / "base.toml"
    tables = {"extends": "tiny"} | assignments([*SMALL, *FAST])
    file.write_text(tomli_w.dumps(tables))
    return file


@pytest.fixture(scope="session")
def write(base: Path, corpus_folder: Path) -> Write:
    """Return a function that writes a SWEEP.toml with the given lines in place of those of its recipes."""

    def write(folder: Path, recipes: str, **keys: object) -> Path:
        defaults = {"recipe": str(base), "corpus": str(corpus_folder), "seeds": [1, 2], "scores": ["mlm_loss"]}
        file = folder / "rates.toml"
        file.write_text(f"{tomli_w.dumps(defaults | keys)}\n{recipes}\n")
        return file

    return write


RECIPES = """
[recipes.published]

[recipes.fast]
optimizer.learning_rate = 1e-2

[recipes.wide]
optimizer.learning_rate = 1e-2
model.generator.hidden = 32
"""


@pytest.fixture(scope="session")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sweep") / "out"


@pytest.fixture(scope="session")
def sweep(write: Write, out: Path, world: World, tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """Return a sweep with every run finished except the last one, wide with seed 2."""
    file = write(tmp_path_factory.mktemp("files"), RECIPES, scores=["mlm_loss", "auc"])
    sweep = read_sweep(file, out)
    for trial in sweep.trials[:-1]:
        assert train(trial.recipe, Corpus(trial.order.corpus), trial.run, world, "auto")
    return sweep
