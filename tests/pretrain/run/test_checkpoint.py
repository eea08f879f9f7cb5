"""Which checkpoints are kept, found and used, and the sentences for folders that hold none.

Every kind of damage to every file is in tests/integration/test_damage.py.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import torch

from configs.common.errors import UserError
from pretrain.run import checkpoint
from pretrain.run.checkpoint import CheckpointState
from pretrain.run.trained_model import open_pair
from pretrain.step.engine import Engine
from pretrain.step.world import World
from tests.damage import do_damage
from tests.trained import run as run


def _state(step: int, skipped: int = 0, earlier: int = 0, zero_stage: int = 0, processes: int = 1) -> CheckpointState:
    return CheckpointState(
        step=step,
        skipped=skipped,
        rows_seen=8 * step,
        earlier_updates=earlier,
        recipe="r",
        corpus="c",
        zero_stage=zero_stage,
        processes=processes,
        time="2026-01-01T00:00:00Z",
    )


@pytest.fixture
def copy(run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run, tmp_path / "run"))


def test_the_updates_and_the_layout_by_hand() -> None:
    assert _state(12, skipped=3, earlier=100).updates == 100 + 12 - 3
    assert _state(12).layout == "1 process with ZeRO 0"
    assert _state(12, zero_stage=2, processes=4).layout == "4 processes with ZeRO 2"


@pytest.mark.parametrize(
    ("keep_last", "keep_every", "kept"), [(2, 0, [5, 6]), (2, 2, [2, 4, 5, 6]), (1, 3, [3, 6]), (9, 0, [*range(1, 7)])]
)
def test_the_last_checkpoints_and_some_for_good_are_kept(
    keep_last: int, keep_every: int, kept: list[int], run: Path, world: World, tmp_path: Path
) -> None:
    trained = open_pair(run)
    keys = trained.recipe.run.model_copy(update={"keep_last": keep_last, "keep_every": keep_every})
    engine = Engine(trained.pair, trained.recipe.model_copy(update={"run": keys}), world)
    for step in range(1, 7):
        folder = checkpoint.save(engine, tmp_path, _state(step))
        assert checkpoint.verify(folder) == _state(step)
    assert [checkpoint.step_number(folder) for folder in checkpoint.list_checkpoints(tmp_path)] == kept
    weights = checkpoint.read_weights(checkpoint.list_checkpoints(tmp_path)[-1])
    assert all(torch.equal(weights[name], weight) for name, weight in engine.pair.named_parameters())


def test_checkpoints_are_listed_by_their_number_and_nothing_else_is(tmp_path: Path) -> None:
    for name in (
        "step-100000000",
        "step-00000012",
        "step-99999999",
        "step-7",
        "damaged-step-00000001",
        "step-00000004x",
    ):
        (tmp_path / name).mkdir()
    (tmp_path / "step-00000005").touch()
    names = [folder.name for folder in checkpoint.list_checkpoints(tmp_path)]
    assert names == ["step-00000012", "step-99999999", "step-100000000"]


def test_the_newest_whole_checkpoint_is_chosen_and_each_newer_damage_is_told(copy: Path) -> None:
    newer = [copy / "checkpoints" / name for name in ("step-00000012", "step-00000008")]
    do_damage(newer[0] / "exp_avg.safetensors", "truncate")
    (newer[1] / "recipe.toml").unlink()
    chosen = checkpoint.choose(copy)
    assert (chosen.folder, chosen.state.step) == (copy / "checkpoints" / "step-00000004", 4)
    assert list(chosen.damage) == newer
    assert chosen.damage[newer[1]] == f"{newer[1]}/recipe.toml: missing, so the checkpoint is damaged"
    with pytest.raises(UserError, match=r"exp_avg\.safetensors: its sha256 is not the manifest's"):
        checkpoint.choose(newer[0])


def test_folders_without_a_checkpoint(run: Path, tmp_path: Path) -> None:
    assert checkpoint.newest_valid(tmp_path) is None
    for folder, sentence in (
        (tmp_path / "none", "no such run or checkpoint"),
        (tmp_path, "holds no checkpoint; name a run, or a folder below its checkpoints"),
    ):
        with pytest.raises(UserError, match=f"^{re.escape(f'{folder}: {sentence}')}$"):
            checkpoint.choose(folder)
    assert checkpoint.after_step(run, 8, "--step 8") == run / "checkpoints" / "step-00000008"
    for folder, sentence in ((run, "checkpoints of the steps 4, 8, 12"), (tmp_path, "no checkpoint")):
        with pytest.raises(UserError, match=f"^{re.escape(f'--step 5: {folder} holds {sentence}')}$"):
            checkpoint.after_step(folder, 5, "--step 5")


def test_a_checkpoint_that_is_set_aside_again_replaces_the_earlier_one(copy: Path) -> None:
    folder = copy / "checkpoints" / "step-00000012"
    (folder.parent / "damaged-step-00000012").mkdir()
    (folder.parent / "damaged-step-00000012" / "old").touch()
    aside = checkpoint.set_aside(folder)
    assert aside.name == "damaged-step-00000012" and not folder.exists() and not (aside / "old").exists()
    assert (aside / "weights.safetensors").is_file()


def test_the_step_of_the_newest_checkpoint(tmp_path: Path) -> None:
    assert checkpoint.newest_step(tmp_path / "none") == 0
    for name in ("step-00000012", "step-00000101", "step-100000000.tmp"):
        (tmp_path / name).mkdir()
    assert checkpoint.newest_step(tmp_path) == 101
