"""A pair is opened from a run or from one of its checkpoints, with the weights that were saved there."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from configs.common.errors import UserError
from pretrain.run import checkpoint
from pretrain.run.trained_model import open_pair
from tests.damage import do_damage
from tests.trained import run as run


def test_a_run_is_its_newest_checkpoint(run: Path) -> None:
    newest = run / "checkpoints" / "step-00000012"
    trained = open_pair(run)
    assert (trained.run, trained.checkpoint, trained.state.step) == (run, newest, 12)
    assert not trained.pair.training and trained.recipe.schedule.steps == 12
    stored = checkpoint.read_weights(newest)
    weights = trained.pair.state_dict()
    assert weights.keys() == stored.keys() and all(torch.equal(weights[name], stored[name]) for name in stored)


def test_a_checkpoint_is_itself(run: Path) -> None:
    folder = run / "checkpoints" / "step-00000004"
    earlier, newest = open_pair(folder), open_pair(run)
    assert (earlier.run, earlier.checkpoint, earlier.state.step) == (run, folder, 4)
    weights = newest.pair.state_dict()
    assert not all(torch.equal(weight, weights[name]) for name, weight in earlier.pair.state_dict().items())


def test_a_damaged_newer_checkpoint_is_named(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = Path(shutil.copytree(run, tmp_path / "运行"))
    damaged = copy / "checkpoints" / "step-00000012"
    do_damage(damaged / "recipe.toml", "flip the first")
    assert open_pair(copy).state.step == 8
    sentence = f"{damaged / 'recipe.toml'}: its sha256 is not the manifest's, so the checkpoint is damaged"
    assert capsys.readouterr().err == f"warning: {sentence}; step 8 is taken instead\n"
    with pytest.raises(UserError, match="its sha256 is not the manifest's"):
        open_pair(damaged)


def test_a_folder_without_checkpoints_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"holds no checkpoint; name a run, or a folder below its checkpoints"):
        open_pair(tmp_path)
    with pytest.raises(UserError, match=r"nothing: no such run or checkpoint"):
        open_pair(tmp_path / "nothing")
