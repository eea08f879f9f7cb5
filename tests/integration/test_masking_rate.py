"""A masking rate that falls over a run: resumed, on two processes, and continued by another run."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from data_prep.shards import Corpus
from pretrain.run import checkpoint
from pretrain.step.world import World
from pretrain.train import train
from tests.integration.test_layouts import assert_same, go_on_from
from tests.integration.test_run import recipe, start, training

FALLS = ("corruption.masking_rate_end=0.05", "corruption.masking_rate_steps=10", "optimizer.learning_rate=0.01")


@pytest.fixture(scope="module")
def whole(corpus_folder: Path, world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("falling") / "whole"
    assert train(recipe(*FALLS), Corpus(corpus_folder), run, world, "auto")
    return run


def test_the_resumed_run_is_the_unbroken_run_bit_for_bit(
    whole: Path, corpus: Corpus, world: World, tmp_path: Path
) -> None:
    shutil.copytree(whole, tmp_path / "cut")
    go_on_from(tmp_path / "cut", 8)
    assert checkpoint.list_checkpoints(tmp_path / "cut" / "checkpoints")[-1].name == "step-00000008"
    assert train(recipe(*FALLS), corpus, tmp_path / "cut", world, "auto")
    assert training(tmp_path / "cut") == training(whole)
    weights = [checkpoint.read_weights(run / "checkpoints" / "step-00000012") for run in (whole, tmp_path / "cut")]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_fewer_tokens_are_replaced_at_a_lower_rate(whole: Path, corpus: Corpus, world: World, tmp_path: Path) -> None:
    """A row has 9 slots in the first step, 8 in the fourth, 5 in the eighth and 3 in the last two."""
    assert train(recipe(FALLS[-1]), corpus, tmp_path / "constant", world, "auto")
    falling, constant = training(whole), training(tmp_path / "constant")
    assert falling[1] == constant[1]
    shares = [falling[step]["replaced_share"] / constant[step]["replaced_share"] for step in (4, 8, 11, 12)]
    assert shares == pytest.approx([8 / 9, 5 / 9, 3 / 9, 3 / 9], abs=0.05)


@pytest.mark.slow
def test_two_processes_and_micro_batches(whole: Path, corpus_folder: Path, tmp_path: Path) -> None:
    finished = start(corpus_folder, tmp_path / "run", *FALLS, "batch.micro_rows=2", processes=2)
    assert finished.returncode == 0, finished.stderr
    assert_same(tmp_path / "run", whole)


def test_a_run_that_ends_before_the_rate_has_fallen_says_so(
    corpus: Corpus, world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    short = recipe(FALLS[0], "corruption.masking_rate_steps=100", "schedule.steps=2", "schedule.warmup_steps=1")
    assert train(short, corpus, tmp_path / "short", world, "auto")
    assert "warning: corruption.masking_rate_steps: 100, and the last step of this run is step 2" in (
        capsys.readouterr().out
    )
