"""A folder is claimed by its own run alone, which resumes after its newest whole checkpoint."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from configs.common.errors import UserError
from configs.common.files import read_json
from configs.common.locks import Lock
from configs.load import load
from configs.recipe import Recipe
from data_prep.shards import Corpus
from pretrain.run.folder import RunFolder, Start
from pretrain.step.world import World
from tests.damage import do_damage
from tests.trained import run as run


@pytest.fixture
def copy(run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run, tmp_path / "run"))


def _claim(folder: Path, recipe: Recipe, corpus: Corpus, world: World, resume: str = "auto") -> Start:
    with RunFolder(folder, recipe, corpus, world) as claimed:
        return claimed.claim(resume)


def test_a_new_folder_begins_at_the_first_step(
    tmp_path: Path, small_recipe: Recipe, corpus: Corpus, world: World
) -> None:
    folder = tmp_path / "新" / "run"
    assert _claim(folder, small_recipe, corpus, world, "never") == Start(0, is_random=True)
    with RunFolder(tmp_path / "other", small_recipe, corpus, world) as other:
        assert other.claim("never", has_weights=True) == Start(0)
    assert load(str(folder / "recipe.toml")).science() == small_recipe.science()
    with pytest.raises(UserError, match=r"already holds a run; name a new folder, or continue it with --resume auto"):
        _claim(folder, small_recipe, corpus, world, "never")


def test_a_folder_of_other_things_is_refused_and_stays_as_it_is(
    tmp_path: Path, small_recipe: Recipe, corpus: Corpus, world: World
) -> None:
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(UserError, match=r"is not empty and holds no run; name a new folder"):
        _claim(tmp_path, small_recipe, corpus, world)
    assert [path.name for path in tmp_path.iterdir()] == ["note.txt"]


def test_a_run_resumes_after_its_newest_whole_checkpoint(copy: Path, corpus: Corpus, world: World) -> None:
    recipe = load(str(copy / "recipe.toml"))
    newest = copy / "checkpoints" / "step-00000012"
    assert _claim(copy, recipe, corpus, world) == Start(12, checkpoint=newest, layout="1 process with ZeRO 0")
    do_damage(newest / "state.json", "truncate")
    start = _claim(copy, recipe, corpus, world)
    assert (start.step, start.checkpoint) == (8, copy / "checkpoints" / "step-00000008")
    [warning] = start.warnings
    assert warning.endswith("it is now damaged-step-00000012, and 4 steps are lost: going back to step 8")
    assert (copy / "checkpoints" / "damaged-step-00000012").is_dir() and not newest.exists()


def test_another_recipe_is_refused(copy: Path, corpus: Corpus, world: World) -> None:
    with pytest.raises(UserError, match=r"this run has seed = 1, and now it is 2; give the recipe that the run began"):
        _claim(copy, load(str(copy / "recipe.toml"), ["seed=2"]), corpus, world)


def test_a_run_is_trained_by_one_process(copy: Path, corpus: Corpus, world: World) -> None:
    lock = Lock(copy / ".lock")
    assert lock.try_acquire()
    with pytest.raises(UserError, match=r"another process is training this run"):
        _claim(copy, load(str(copy / "recipe.toml")), corpus, world)
    lock.close()


def test_the_state_of_a_checkpoint_counts_from_where_the_run_began(
    tmp_path: Path, small_recipe: Recipe, corpus: Corpus, world: World
) -> None:
    run = RunFolder(tmp_path, small_recipe, corpus, world)
    state = run.state(Start(4, first_row=100, earlier_updates=50), step=12, skipped=2)
    assert state.rows_seen == 100 + 12 * 8 and state.updates == 50 + 12 - 2
    run.mark_stopped(12)
    assert read_json(tmp_path / "stopped.json")["step"] == 12
