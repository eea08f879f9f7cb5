"""Trackio's own storage gives a run back: every value once, also after a resume."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from configs.recipe import Recipe
from pretrain.run.trackers.interface import Experiment, Tracker
from pretrain.run.trackers.memory import Memory


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return Trackio's storage in a folder of the tests. Trackio reads TRACKIO_DIR when it is imported."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRACKIO_DIR", str(tmp_path_factory.mktemp("trackio")))
        pytest.importorskip("trackio")
        return pytest.importorskip("trackio.sqlite_storage").SQLiteStorage


def begin(recipe: Recipe, run: Path, first_step: int = 0) -> tuple[Tracker, str]:
    """Return a tracker, and the name of its run."""
    tracker_file = pytest.importorskip("pretrain.run.trackers.trackio")
    memory = Memory.read(run, "trackio")
    tracker = tracker_file.start(Experiment(run, first_step, recipe), memory)
    memory.save()
    return tracker, memory.ids["run"]


def test_a_resumed_run_is_the_same_run(storage: Any, small_recipe: Recipe, tmp_path: Path) -> None:
    names = set[str]()
    for first_step in (0, 2):
        tracker, name = begin(small_recipe, tmp_path, first_step)
        for step in (first_step + 1, first_step + 2):
            tracker.scalars(step, {"loss/total": 1 / step, "loss/mlm": math.nan})
        tracker.close(failed=False)
        names.add(name)
    assert len(names) == 1
    lines = storage.get_logs("electra", name)
    assert [(line["step"], line["loss/total"]) for line in lines] == [(step, 1 / step) for step in (1, 2, 3, 4)]
    assert all(math.isnan(line["loss/mlm"]) for line in lines)
    config = storage.get_run_config("electra", name)
    assert config["optimizer.learning_rate"] == small_recipe.optimizer.learning_rate


def test_two_runs_with_one_name_are_two_runs(storage: Any, small_recipe: Recipe, tmp_path: Path) -> None:
    names = []
    for folder in ("a", "b"):
        tracker, name = begin(small_recipe, tmp_path / folder / "run")
        tracker.scalars(1, {"loss/total": 2.0})
        tracker.close(failed=False)
        names.append(name)
    assert [len(storage.get_logs("electra", name)) for name in names] == [1, 1]
    assert all(name.startswith("run-") for name in names)


def test_texts_histograms_and_images_are_stored(storage: Any, small_recipe: Recipe, tmp_path: Path) -> None:
    tracker, name = begin(small_recipe, tmp_path)
    tracker.text(6, "heldout/sample", "**掩码**")
    tracker.histogram(6, "discriminator/logits", np.array([1, 0, 3]), np.array([-1.0, 0.0, 1.0, 2.0]))
    tracker.image(6, "discriminator/calibration", np.zeros((3, 5, 3), np.uint8))
    tracker.close(failed=False)
    line = {key: value for entry in storage.get_logs("electra", name) for key, value in entry.items()}
    assert line["heldout/sample"]["_value"] == "**掩码**"
    assert line["discriminator/logits"]["values"] == [1, 0, 3]
    assert line["discriminator/logits"]["bins"] == [-1.0, 0.0, 1.0, 2.0]
    assert line["discriminator/calibration"]["file_path"].endswith(".png") and json.dumps(line)
