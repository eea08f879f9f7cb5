"""Values go to every tracker, a missing library is refused before a run, and each failure is printed once."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from configs.common.errors import UserError
from configs.common.pages.figures import bars
from configs.recipe import Recipe
from data_prep.shards import Corpus
from pretrain.run.logs import read_metrics
from pretrain.run.trackers.fan_out import Trackers, check_trackers
from pretrain.run.trackers.interface import Experiment
from pretrain.step.world import World
from pretrain.train import train


def test_a_tracker_receives_every_kind_of_value(small_recipe: Recipe, tmp_path: Path) -> None:
    said: list[str] = []
    trackers = Trackers(["tensorboard"], Experiment(tmp_path, 0, small_recipe))
    trackers.text(1, "heldout/sample", "left out, because nothing is open yet")
    trackers.open(said.append)
    trackers.scalars(1, {"loss/total": 2.0})
    trackers.text(1, "heldout/sample", "text")
    trackers.histogram(1, "discriminator/logits", np.array([1, 2]), np.array([0.0, 1.0, 2.0]))
    trackers.image(1, "discriminator/calibration", bars("Calibration", "x", [0, 1], [3], "three"))
    trackers.close(failed=False)
    tags = EventAccumulator(str(tmp_path / "tensorboard")).Reload().Tags()
    assert tags["scalars"] == ["loss/total"]
    assert tags["histograms"] == ["discriminator/logits"] and tags["images"] == ["discriminator/calibration"]
    assert "heldout/sample/text_summary" in tags["tensors"] and not said


@pytest.mark.parametrize("name", ["wandb", "mlflow", "trackio"])
def test_a_tracker_that_is_not_installed_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    check_trackers(["tensorboard"])
    monkeypatch.setitem(sys.modules, name, None)  # as Python itself marks a module that cannot be imported
    monkeypatch.delitem(sys.modules, f"pretrain.run.trackers.{name}", raising=False)
    with pytest.raises(UserError, match=rf"^run\.trackers: {name} cannot be imported \(.*\); run `pip install {name}`"):
        check_trackers([name])


def test_a_run_trains_on_when_its_tracker_fails(
    small_recipe: Recipe, corpus: Corpus, world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    untracked = small_recipe.model_copy(update={"run": small_recipe.run.model_copy(update={"trackers": ()})})
    assert not train(untracked, corpus, tmp_path, world, "auto", lambda: True)
    assert not (tmp_path / "tensorboard").exists()
    (tmp_path / "tensorboard").write_text("not a folder")
    assert train(small_recipe, corpus, tmp_path, world, "auto")
    said = capsys.readouterr().out
    assert said.count("warning: run.trackers: tensorboard failed (") == 1
    assert [line["step"] for line in read_metrics(tmp_path) if line["kind"] == "training"] == [*range(1, 13)]
