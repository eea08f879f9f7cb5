"""Runs with Muon: the same losses in every layout, exact when they resume, and untouched by a step that is skipped."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from configs.common.errors import UserError
from configs.load import load
from data_prep.shards import Corpus
from pretrain.model.pair import ElectraPair
from pretrain.run import checkpoint
from pretrain.run.continuation import open_continuation
from pretrain.step.engine import WEIGHTS, Engine, tensors_file
from pretrain.step.loader import Loader
from pretrain.step.optim import MOMENTS
from pretrain.step.parameter_groups import matrices_of
from pretrain.step.world import World
from pretrain.train import train
from tests.conftest import SMALL
from tests.integration.test_layouts import assert_same, go_on_from, through
from tests.integration.test_run import recipe, start, training

MUON = ("optimizer.matrices=muon", "optimizer.momentum=0.95")
OFTEN = ("run.save_every=3", "run.keep_last=4")


@pytest.fixture(scope="module")
def whole(corpus_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run of one process with checkpoints at the steps 3, 6, 9 and 12."""
    run = tmp_path_factory.mktemp("muon") / "whole"
    finished = start(corpus_folder, run, *MUON, *OFTEN)
    assert finished.returncode == 0, finished.stderr
    return run


def newest(run: Path) -> Path:
    return checkpoint.list_checkpoints(run / "checkpoints")[-1]


def test_a_checkpoint_has_one_moment_of_each_matrix_of_a_layer(whole: Path) -> None:
    weights, first, second = (load_file(tensors_file(newest(whole), part)).keys() for part in (WEIGHTS, *MOMENTS))
    matrices = {name for name in weights if matrices_of(name)}
    assert first == weights
    assert second == weights - matrices
    assert len(matrices) == 4 * 3  # four in each of three layers


@pytest.mark.parametrize("stage", [1, 2])
def test_two_processes_and_zero_continue_as_one_process_would(
    whole: Path, corpus_folder: Path, tmp_path: Path, stage: int
) -> None:
    """Two processes cut the parameters of a group in the middle of a matrix."""
    shutil.copytree(whole, tmp_path / "run")
    go_on_from(tmp_path / "run", 3)
    layout = ("run.save_every=9", f"compute.zero_stage={stage}")
    finished = start(corpus_folder, tmp_path / "run", *MUON, *layout, processes=2)
    assert finished.returncode == 0, finished.stderr
    assert_same(tmp_path / "run", whole)
    for part in (WEIGHTS, *MOMENTS):
        ours, theirs = (load_file(tensors_file(newest(run), part)) for run in (tmp_path / "run", whole))
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("stages", [(0, 0, 0, 0), (1, 1, 1, 1), (2, 2, 2, 2), (0, 1, 2, 0)])
def test_more_and_fewer_processes(whole: Path, corpus_folder: Path, tmp_path: Path, stages: tuple[int, ...]) -> None:
    through(list(zip((1, 2, 4, 1), stages, strict=True)), corpus_folder, tmp_path / "run", *MUON)
    assert_same(tmp_path / "run", whole)


@pytest.mark.parametrize("stage", [0, 1, 2])
def test_a_run_that_resumes_is_exact(corpus: Corpus, world: World, tmp_path: Path, stage: int) -> None:
    same = recipe(*MUON, f"compute.zero_stage={stage}", "run.save_every=6", "optimizer.average_decay=0.8")
    assert train(same, corpus, tmp_path / "whole", world, "auto")
    shutil.copytree(tmp_path / "whole", tmp_path / "cut")
    go_on_from(tmp_path / "cut", 6)
    assert train(same, corpus, tmp_path / "cut", world, "auto")
    assert training(tmp_path / "cut") == training(tmp_path / "whole")
    for part in ("average", WEIGHTS, *MOMENTS):
        left, right = (tensors_file(newest(tmp_path / run), part).read_bytes() for run in ("whole", "cut"))
        assert left == right, part


@pytest.mark.parametrize("stage", [0, 1])
def test_a_skipped_step_changes_no_bit(corpus: Corpus, world: World, stage: int) -> None:
    muon = load("tiny", [*SMALL, *MUON, f"compute.zero_stage={stage}"])
    engine = Engine(ElectraPair(muon), muon, world)
    assert engine.pair.detection
    with Loader(corpus, muon, world) as loader:
        engine.step(loader.step(0), 1e-3, measure=False)
        bias = engine.pair.detection.prediction.bias
        with torch.no_grad():
            bias.fill_(torch.inf)
        states = [tensor for state in engine._adam.state.values() for tensor in state.values()]
        before = [tensor.detach().clone() for tensor in (*engine.pair.parameters(), *states)]
        engine.step(loader.step(1), 1e-3, measure=False)
    assert engine.skips.total == 1
    for tensor, earlier in zip((*engine.pair.parameters(), *states), before, strict=True):
        assert torch.equal(tensor, earlier)


def test_a_run_of_muon_is_not_continued_with_adam(whole: Path, corpus: Corpus, tmp_path: Path) -> None:
    continuation = open_continuation(whole, tmp_path / "run")
    assert continuation
    with pytest.raises(UserError, match=r'with optimizer\.matrices = "muon", and the recipe has "adam"'):
        continuation.check(recipe(), corpus, ElectraPair(recipe()))
