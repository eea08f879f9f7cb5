"""A checkpoint fits every layout: a run resumes with another number of processes and another ZeRO stage."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from data_prep.shards import Corpus
from pretrain.run import checkpoint
from pretrain.step.engine import WEIGHTS, tensors_file
from pretrain.step.optim import MOMENTS
from pretrain.step.world import World
from pretrain.train import train
from tests.integration.test_run import recipe, start, training
from tests.integration.test_run import whole as whole

OFTEN = ("run.save_every=3", "run.keep_last=4")
# These numbers are counts, so they agree exactly only where rows, masks and samples agree.
EXACT = ("masked_accuracy", "sampled_accuracy", "replaced_share")


def go_on_from(run: Path, step: int) -> None:
    for folder in checkpoint.list_checkpoints(run / "checkpoints"):
        if checkpoint.step_number(folder) > step:
            shutil.rmtree(folder)


def assert_same(run: Path, whole: Path) -> None:
    expected = training(whole)
    assert training(run).keys() == expected.keys()
    for step, values in training(run).items():
        assert {name: values[name] for name in EXACT} == {name: expected[step][name] for name in EXACT}, step
        assert values["loss"] == pytest.approx(expected[step]["loss"], rel=1e-5), step


def through(layouts: list[tuple[int, int]], corpus_folder: Path, run: Path, *overrides: str) -> list[str]:
    """Train three steps with each (processes, ZeRO stage), and return what each start printed."""
    printed = []
    for turn, (processes, stage) in enumerate(layouts):
        if turn:
            go_on_from(run, 3 * turn)
        layout = (*OFTEN, f"compute.zero_stage={stage}")
        finished = start(corpus_folder, run, *layout, *overrides, processes=processes)
        assert finished.returncode == 0, finished.stderr
        printed.append(finished.stdout)
    return printed


def test_more_processes_and_another_stage(whole: Path, corpus_folder: Path, tmp_path: Path) -> None:
    _, output = through([(1, 0), (2, 1)], corpus_folder, tmp_path / "run")
    assert_same(tmp_path / "run", whole)
    assert "resuming after step 3, " in output
    assert "written by 1 process with ZeRO 0" in output


@pytest.mark.slow
@pytest.mark.parametrize("stages", [(0, 0, 0, 0), (1, 1, 1, 1), (2, 2, 2, 2), (0, 1, 2, 0)])
def test_more_and_fewer_processes(whole: Path, corpus_folder: Path, tmp_path: Path, stages: tuple[int, ...]) -> None:
    through(list(zip((1, 2, 4, 1), stages, strict=True)), corpus_folder, tmp_path / "run")
    assert_same(tmp_path / "run", whole)


def test_every_stage_resumes_after_another(whole: Path, corpus: Corpus, world: World, tmp_path: Path) -> None:
    stages = (1, 2, 0)
    assert train(recipe("run.save_every=1", "run.keep_last=12"), corpus, tmp_path / "run", world, "auto")
    for step, stage in enumerate(stages, start=2):
        go_on_from(tmp_path / "run", step)
        other = recipe("run.save_every=1", "run.keep_last=12", f"compute.zero_stage={stage}")
        assert train(other, corpus, tmp_path / "run", world, "auto")
    assert_same(tmp_path / "run", whole)


def test_a_weight_of_no_objective_decays_in_every_layout(corpus: Corpus, world: World, tmp_path: Path) -> None:
    """Without detection the discriminator has no gradient; DeepSpeed sets it to 0 only when it sums over processes."""
    weights = []
    for stage in (0, 1):
        generator = ("objectives={mlm={weight=1.0}}", "optimizer.weight_decay=0.5", f"compute.zero_stage={stage}")
        assert train(recipe(*generator), corpus, tmp_path / str(stage), world, "auto")
        [newest] = checkpoint.list_checkpoints(tmp_path / str(stage) / "checkpoints")[-1:]
        weights.append(load_file(tensors_file(newest, WEIGHTS)))
    torch.testing.assert_close(*weights, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("stage", [0, 1, 2])
def test_going_on_in_the_same_layout_is_exact(corpus: Corpus, world: World, tmp_path: Path, stage: int) -> None:
    """Use bias correction, which depends on the number of updates."""
    same = recipe(f"compute.zero_stage={stage}", "optimizer.bias_correction=true", "run.save_every=6")
    assert train(same, corpus, tmp_path / "whole", world, "auto")
    shutil.copytree(tmp_path / "whole", tmp_path / "cut")
    go_on_from(tmp_path / "cut", 6)
    assert train(same, corpus, tmp_path / "cut", world, "auto")
    assert training(tmp_path / "cut") == training(tmp_path / "whole")
    newest = [checkpoint.list_checkpoints(tmp_path / run / "checkpoints")[-1] for run in ("whole", "cut")]
    for part in (WEIGHTS, *MOMENTS):
        left, right = (tensors_file(folder, part).read_bytes() for folder in newest)
        assert left == right, part
