"""A batch that grows over the first steps: the same rows in the same order, resumed, and on any layout."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from data_prep.shards import Corpus
from pretrain.run import checkpoint
from pretrain.run.logs import read_metrics
from pretrain.step.world import World
from pretrain.train import train
from tests.integration.test_layouts import assert_same, go_on_from
from tests.integration.test_run import recipe, start, training

# Steps of 2, 4 and 6 rows, 3 of each, and then of 8 rows.
RAMP = ("batch.rows_start=2", "batch.ramp_steps=9", "optimizer.learning_rate=0.01")
ROWS_SEEN = [2, 4, 6, 10, 14, 18, 24, 30, 36, 44, 52, 60]


@pytest.fixture(scope="module")
def whole(corpus_folder: Path, world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("ramp") / "whole"
    assert train(recipe(*RAMP), Corpus(corpus_folder), run, world, "auto")
    return run


def test_the_rows_of_a_run_are_counted_by_their_steps(
    whole: Path, corpus: Corpus, world: World, tmp_path: Path
) -> None:
    assert [line["rows_seen"] for line in read_metrics(whole) if line["kind"] == "training"] == ROWS_SEEN
    assert checkpoint.verify(whole / "checkpoints" / "step-00000008").rows_seen == 30
    assert train(recipe("batch.rows=2", RAMP[-1]), corpus, tmp_path / "small", world, "auto")
    assert training(whole)[2] == training(tmp_path / "small")[2]
    assert training(whole)[5] != training(tmp_path / "small")[5]


def test_the_resumed_run_is_the_unbroken_run_bit_for_bit(
    whole: Path, corpus: Corpus, world: World, tmp_path: Path
) -> None:
    shutil.copytree(whole, tmp_path / "cut")
    go_on_from(tmp_path / "cut", 8)
    assert train(recipe(*RAMP), corpus, tmp_path / "cut", world, "auto")
    assert training(tmp_path / "cut") == training(whole)
    weights = [checkpoint.read_weights(run / "checkpoints" / "step-00000012") for run in (whole, tmp_path / "cut")]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


@pytest.mark.parametrize("stage", [0, 2])
def test_steps_with_different_numbers_of_micro_batches(
    whole: Path, corpus: Corpus, world: World, tmp_path: Path, stage: int
) -> None:
    """Steps of 6 rows are two micro-batches of 3 rows, and steps of 8 rows two of 4 rows. Others have one."""
    keys = (*RAMP, "batch.micro_rows=4", f"compute.zero_stage={stage}")
    assert train(recipe(*keys), corpus, tmp_path / "run", world, "auto")
    assert_same(tmp_path / "run", whole)


@pytest.mark.slow
@pytest.mark.parametrize("stage", [0, 1, 2])
def test_two_processes(whole: Path, corpus_folder: Path, tmp_path: Path, stage: int) -> None:
    finished = start(
        corpus_folder, tmp_path / "run", *RAMP, "batch.micro_rows=1", f"compute.zero_stage={stage}", processes=2
    )
    assert finished.returncode == 0, finished.stderr
    assert_same(tmp_path / "run", whole)
