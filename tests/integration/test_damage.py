"""A damaged checkpoint is named, the newest undamaged checkpoint is used, and no undamaged checkpoint is lost."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from configs.common.errors import UserError
from data_prep.shards import Corpus
from pretrain.run import checkpoint
from pretrain.run.trained_model import open_pair
from pretrain.step.world import World
from pretrain.train import train
from tests.damage import DAMAGE, do_damage
from tests.integration.test_run import copy as copy
from tests.integration.test_run import recipe, training
from tests.integration.test_run import whole as whole

FILES = (
    *("weights.safetensors", "exp_avg.safetensors", "exp_avg_sq.safetensors"),
    *("state.json", "recipe.toml", "manifest.json"),
)


def newest(run: Path) -> Path:
    return checkpoint.list_checkpoints(run / "checkpoints")[-1]


def electra(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "launch.cli", *arguments], capture_output=True, text=True)


def test_these_are_all_files(whole: Path) -> None:
    assert {path.name for path in newest(whole).iterdir()} == set(FILES)


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", FILES)
def test_damage_is_named(whole: Path, tmp_path: Path, name: str, damage: str) -> None:
    folder = Path(shutil.copytree(newest(whole), tmp_path / "step-00000012"))
    assert checkpoint.verify(folder).step == 12
    do_damage(folder / name, damage)
    with pytest.raises(UserError) as error:
        checkpoint.verify(folder)
    assert name in str(error.value) or name == "manifest.json"


def test_files_that_do_not_belong(whole: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(newest(whole), tmp_path / "step-00000012"))
    (folder / "more.pt").write_bytes(b"")
    with pytest.raises(UserError, match=r"more\.pt: is not in the manifest"):
        checkpoint.verify(folder)
    (folder / "more.pt").unlink()
    left, right = folder / "exp_avg.safetensors", folder / "exp_avg_sq.safetensors"
    left.rename(folder / "other")
    right.rename(left)
    (folder / "other").rename(right)
    with pytest.raises(UserError, match=r"exp_avg\.safetensors: its sha256 is not the manifest's"):
        checkpoint.verify(folder)


@pytest.mark.parametrize("name", ["../../recipe.toml", "/etc/hostname"])
def test_a_name_that_leads_out_is_not_followed(copy: Path, name: str) -> None:
    manifest = json.loads((newest(copy) / "manifest.json").read_text())
    manifest["files"][name] = "0"
    (newest(copy) / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(UserError, match="missing, so the checkpoint is damaged"):
        checkpoint.verify(newest(copy))


def test_going_back_says_what_is_lost(copy: Path, corpus: Corpus, world: World, capsys: Any) -> None:
    do_damage(newest(copy) / "exp_avg.safetensors", "flip a middle")
    expected = training(copy)
    assert train(recipe(), corpus, copy, world, "auto")
    printed = capsys.readouterr().out
    assert (
        "exp_avg.safetensors: its sha256 is not the manifest's, so the checkpoint is damaged; it is now "
        "damaged-step-00000012, and 4 steps are lost: going back to step 8" in printed
    )
    assert training(copy) == expected
    assert checkpoint.verify(newest(copy)).step == 12


def test_where_none_is_whole_nothing_begins_again_by_itself(copy: Path, corpus: Corpus, world: World) -> None:
    for folder in checkpoint.list_checkpoints(copy / "checkpoints"):
        do_damage(folder / "weights.safetensors", "truncate")
    before = sorted(copy.rglob("*"))
    with pytest.raises(UserError, match=r"step-00000012/weights.* nor is any older checkpoint whole: restore one, or"):
        train(recipe(), corpus, copy, world, "auto")
    assert sorted(copy.rglob("*")) == before


def test_what_was_passed_over_does_not_count_among_the_last(copy: Path, corpus: Corpus, world: World) -> None:
    do_damage(newest(copy) / "state.json", "empty")
    assert train(recipe("run.save_every=12", "run.keep_last=1"), corpus, copy, world, "auto")
    assert [folder.name for folder in checkpoint.list_checkpoints(copy / "checkpoints")] == ["step-00000012"]
    assert open_pair(copy).state.step == 12


def test_some_stay_for_good(corpus: Corpus, world: World, tmp_path: Path) -> None:
    kept = recipe("run.save_every=1", "run.keep_last=2", "run.keep_every=4")
    assert train(kept, corpus, tmp_path / "run", world, "auto")
    assert [
        checkpoint.step_number(folder) for folder in checkpoint.list_checkpoints(tmp_path / "run" / "checkpoints")
    ] == [
        4,
        8,
        11,
        12,
    ]
    with pytest.raises(UserError, match=r"run\.keep_every: 6 is not a multiple of save_every \(4\)"):
        recipe("run.keep_every=6")


def test_models_come_from_the_newest_valid_checkpoint(copy: Path, capsys: Any) -> None:
    assert open_pair(copy).state.step == 12
    do_damage(copy / "checkpoints" / "step-00000012" / "state.json", "flip a middle")
    assert open_pair(copy).state.step == 8
    assert "so the checkpoint is damaged; step 8 is taken instead" in capsys.readouterr().err
    with pytest.raises(UserError, match="its sha256 is not the manifest's"):
        open_pair(copy / "checkpoints" / "step-00000012")


def test_the_commands(copy: Path) -> None:
    listed = electra("checkpoint", "list", str(copy))
    assert listed.returncode == 0, listed.stderr
    assert [line.split()[0] for line in listed.stdout.splitlines()] == ["step", "8", "12"]
    assert listed.stdout.count("whole") == 2
    do_damage(newest(copy) / "exp_avg.safetensors", "flip the last")
    assert "damaged" in electra("checkpoint", "list", str(copy)).stdout
    refused = electra("checkpoint", "verify", str(copy))
    assert refused.returncode == 2
    assert refused.stdout == f"{copy / 'checkpoints' / 'step-00000008'}: whole\n"
    assert "step-00000012/exp_avg.safetensors: its sha256 is not the manifest's" in refused.stderr
    assert refused.stderr.count("\n") == 1
