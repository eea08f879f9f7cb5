"""A run with a moving average of its weights: the law, resuming, layouts, evaluation and export."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from configs.common.errors import UserError
from data_prep.shards import Corpus
from pretrain.export.checkpoints import Choice, choose
from pretrain.export.folder import Order, export
from pretrain.run import checkpoint
from pretrain.run.continuation import open_continuation
from pretrain.run.logs import read_metrics
from pretrain.step.engine import AVERAGE, WEIGHTS, tensors_file
from pretrain.step.world import World
from pretrain.train import train
from tests.integration.test_layouts import go_on_from
from tests.integration.test_run import recipe, start, training

AVERAGED = ("optimizer.average_decay=0.8", "optimizer.learning_rate=0.01", "run.save_every=1", "run.keep_last=12")


@pytest.fixture(scope="module")
def averaged(corpus_folder: Path, world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of twelve steps, with a checkpoint after each."""
    folder = tmp_path_factory.mktemp("averaged") / "run"
    assert train(recipe(*AVERAGED), Corpus(corpus_folder), folder, world, "auto")
    return folder


def read(run: Path, step: int, part: str) -> dict[str, torch.Tensor]:
    return load_file(tensors_file(run / "checkpoints" / checkpoint.folder_name(step), part))


def test_it_is_the_average_of_the_checkpoints(averaged: Path) -> None:
    expected = read(averaged, 1, AVERAGE)
    for step in range(2, 13):
        decay = min(0.8, (1 + step) / (10 + step))
        for name, weight in read(averaged, step, WEIGHTS).items():
            expected[name] = decay * expected[name] + (1 - decay) * weight
    for name, tensor in read(averaged, 12, AVERAGE).items():
        torch.testing.assert_close(tensor, expected[name], rtol=1e-5, atol=1e-6, msg=name)


def test_it_changes_nothing_in_the_run(averaged: Path, corpus: Corpus, world: World, tmp_path: Path) -> None:
    assert train(recipe(*AVERAGED[1:]), corpus, tmp_path / "run", world, "auto")
    assert training(tmp_path / "run") == training(averaged)
    assert not tensors_file(tmp_path / "run" / "checkpoints" / "step-00000012", AVERAGE).exists()
    with pytest.raises(UserError, match=r"--weights average: .* holds none; train with optimizer\.average_decay"):
        choose(tmp_path / "run", Choice(weights="average"))


@pytest.mark.parametrize("stage", [0, 2])
def test_resuming_is_exact(averaged: Path, corpus: Corpus, world: World, tmp_path: Path, stage: int) -> None:
    """Under another ZeRO stage the sums are rounded in another order."""
    shutil.copytree(averaged, tmp_path / "run")
    go_on_from(tmp_path / "run", 7)
    assert train(recipe(*AVERAGED, f"compute.zero_stage={stage}"), corpus, tmp_path / "run", world, "auto")
    tolerance = 0.0 if stage == 0 else 1e-5
    torch.testing.assert_close(
        read(tmp_path / "run", 12, AVERAGE), read(averaged, 12, AVERAGE), rtol=tolerance, atol=tolerance
    )


def test_two_processes_have_the_same_average(averaged: Path, corpus_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(averaged, tmp_path / "run")
    go_on_from(tmp_path / "run", 9)
    finished = start(corpus_folder, tmp_path / "run", *AVERAGED, "compute.zero_stage=1", processes=2)
    assert finished.returncode == 0, finished.stderr
    torch.testing.assert_close(read(tmp_path / "run", 12, AVERAGE), read(averaged, 12, AVERAGE), rtol=1e-4, atol=1e-5)


def test_it_is_evaluated_and_exported(averaged: Path, tmp_path: Path) -> None:
    lines = {
        kind: [line for line in read_metrics(averaged) if line["kind"] == kind] for kind in ("evaluation", "average")
    }
    assert [line["step"] for line in lines["average"]] == [line["step"] for line in lines["evaluation"]]
    assert lines["average"][-1]["mlm_loss"] != lines["evaluation"][-1]["mlm_loss"]
    table = "electra.embeddings.word_embeddings.weight"
    for weights, part in (("raw", WEIGHTS), ("average", AVERAGE)):
        order = Order(part="generator", choice=Choice(weights=weights))
        ((folder, _),) = export(str(averaged), tmp_path / weights, order)
        exported = load_file(folder / "model.safetensors")[table]
        assert torch.equal(exported, read(averaged, 12, part)["embeddings.word.weight"])
        card = (folder / "README.md").read_text()
    assert "the moving average of the weights (decay 0.8) in the checkpoint at step 12" in " ".join(card.split())


def test_a_branch_takes_the_average_along(averaged: Path, corpus: Corpus, world: World, tmp_path: Path) -> None:
    continuation = open_continuation(averaged.with_name("run@8"), tmp_path / "branch")
    still = ("optimizer.learning_rate=1e-12", "schedule.steps=1", "schedule.warmup_steps=0")
    assert train(recipe(*AVERAGED, *still), corpus, tmp_path / "branch", world, "auto", continuation=continuation)
    before, weights = read(averaged, 8, AVERAGE), read(averaged, 8, WEIGHTS)
    decay = 10 / 19  # the ninth update
    for name, tensor in read(tmp_path / "branch", 1, AVERAGE).items():
        expected = decay * before[name] + (1 - decay) * weights[name]
        torch.testing.assert_close(tensor, expected, rtol=1e-5, atol=1e-6, msg=name)
