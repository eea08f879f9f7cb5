"""Trackers are told the recipe of a run by its dotted keys, without passwords."""

from __future__ import annotations

from pathlib import Path

from configs.load import load
from pretrain.run.trackers.interface import Experiment


def test_hparams_are_the_keys_of_the_recipe_without_passwords(tmp_path: Path) -> None:
    recipe = load(
        "tiny", ["data.sources=https://ann:opensesame@host/text.txt?signature=abc", "data.normalize=['nfkc']"]
    )
    hparams = Experiment(tmp_path / "模型", 0, recipe).hparams
    assert hparams["optimizer.learning_rate"] == recipe.optimizer.learning_rate
    assert hparams["data.normalize"] == '["nfkc"]'
    assert hparams["objectives.rtd.weight"] == 50.0
    assert "https://host/text.txt" in str(hparams["data.sources"])
    assert not [value for value in hparams.values() if "opensesame" in str(value) or "abc" in str(value)]


def test_an_experiment_has_the_name_of_its_folder(tmp_path: Path) -> None:
    assert Experiment(tmp_path / "runs" / ".." / "模型", 0, load("tiny")).name == "模型"
