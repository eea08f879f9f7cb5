"""Losses and gradients that are not finite never reach the weights, with any number of processes and any ZeRO stage.

The loss here is so large that every element of its gradient is finite, while the norm of the gradient is infinite or
barely finite. The rows then decide which steps are skipped.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from configs.common.errors import UserError
from configs.load import load
from data_prep.prepare import prepare
from data_prep.shards import Corpus
from pretrain.model.pair import ElectraPair
from pretrain.run import checkpoint
from pretrain.step.engine import Engine
from pretrain.step.loader import Loader
from pretrain.step.world import World
from pretrain.train import train
from tests.conftest import SMALL
from tests.golden_losses import text
from tests.integration.test_run import recipe, start, training

# The norms of the first steps are around 49, and 1.84e19 squared is the largest number of fp32.
AT_THE_EDGE = ("objectives.mlm.weight=3.7e17", "objectives.rtd.weight=1.85e19")
SKIPPED = [0, 0, 0, 0, 1, 2, 3, 3, 3, 3, 3, 3]


@pytest.fixture(scope="module")
def corpus_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a corpus of a text that every machine has.

    Python's own pages differ from release to release, and so would the norms.
    """
    folder = tmp_path_factory.mktemp("invented")
    (folder / "text.txt").write_text(text(), encoding="utf-8")
    prepare(load("tiny", [*SMALL, f"data.sources={folder / 'text.txt'}"]), folder / "corpus", 1)
    return folder / "corpus"


def skipped(run: Path) -> list[int]:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [line["skipped_steps"] for line in lines if line["kind"] == "training"]


@pytest.fixture(scope="module")
def edge(corpus_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("runs") / "edge"
    finished = start(corpus_folder, run, *AT_THE_EDGE)
    assert finished.returncode == 0, finished.stderr
    assert "skipped 3" in finished.stdout
    return run


def test_skipped_steps_are_counted_and_their_norm_is_no_number(edge: Path) -> None:
    assert skipped(edge) == SKIPPED
    assert [step for step, values in training(edge).items() if values["gradient_norm"] is None] == [5, 6, 7]


@pytest.mark.parametrize(("zero_stage", "processes"), [(0, 2), (1, 1), (2, 2)])
def test_the_same_steps_are_skipped_everywhere(
    edge: Path, corpus_folder: Path, tmp_path: Path, zero_stage: int, processes: int
) -> None:
    finished = start(corpus_folder, tmp_path, *AT_THE_EDGE, f"compute.zero_stage={zero_stage}", processes=processes)
    assert finished.returncode == 0, finished.stderr
    assert skipped(tmp_path) == SKIPPED
    for step, expected in training(edge).items():
        assert training(tmp_path)[step]["loss"] == pytest.approx(expected["loss"], rel=1e-5), step


@pytest.mark.parametrize("zero_stage", [0, 1])
def test_the_count_continues_when_a_run_resumes(corpus: Corpus, world: World, tmp_path: Path, zero_stage: int) -> None:
    edge = recipe(*AT_THE_EDGE, f"compute.zero_stage={zero_stage}")
    assert train(edge, corpus, tmp_path / "whole", world, "auto")
    shutil.copytree(tmp_path / "whole", tmp_path / "cut")
    shutil.rmtree(tmp_path / "cut" / "checkpoints" / "step-00000012")
    assert train(edge, corpus, tmp_path / "cut", world, "auto")
    assert training(tmp_path / "cut") == training(tmp_path / "whole")
    assert skipped(tmp_path / "cut") == SKIPPED


def test_a_run_that_is_stopped_at_a_skipped_step_says_from_where_it_resumes(
    corpus: Corpus, world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The skipped step is not saved. The run asks once before the first step, and then after each."""
    edge, asked = recipe(*AT_THE_EDGE, "run.save_every=3"), iter(range(99))
    assert not train(edge, corpus, tmp_path, world, "auto", lambda: next(asked) == 5)
    assert (
        "stopped after step 5; the same command resumes after step 3, the newest checkpoint" in capsys.readouterr().out
    )
    assert json.loads((tmp_path / "stopped.json").read_text())["step"] == 3
    assert train(edge, corpus, tmp_path, world, "auto")
    assert "resuming after step 3" in capsys.readouterr().out


def test_a_skipped_step_changes_no_bit(corpus: Corpus, world: World) -> None:
    """A skipped step does not hinder the next step, and bias correction counts only steps that changed something."""
    edge = load("tiny", [*SMALL, *AT_THE_EDGE, "optimizer.bias_correction=true"])
    torch.manual_seed(edge.seed)
    engine = Engine(ElectraPair(edge), edge, world)
    adam, before, skipped = engine._adam, list[torch.Tensor](), 0
    with Loader(corpus, edge, world) as loader:
        for step in range(8):
            measures = engine.step(loader.step(step), 1e-4, measure=True)
            assert measures
            skipped = measures.skipped_steps
            assert (engine.skips.in_a_row > 0) == (measures.gradient_norm == float("inf"))
            weights = list(engine.pair.parameters())
            after = [*weights, *(tensor for weight in weights for tensor in adam.state[weight].values())]
            equal = [torch.equal(left, right) for left, right in zip(before, after, strict=bool(before))]
            assert all(equal) if engine.skips.in_a_row else not any(equal[:1])
            before = [tensor.clone() for tensor in after]
    assert 0 < skipped < 8
    assert {float(state["step"]) for state in adam.state.values()} == {8.0 - skipped}


def test_an_infinite_loss_with_a_finite_gradient_is_skipped(corpus: Corpus, world: World) -> None:
    """The bias of the detector makes every logit infinite, while the derivative of its loss is 1."""
    small = recipe()
    engine = Engine(ElectraPair(small), small, world)
    with Loader(corpus, small, world) as loader:
        batches = loader.step(0)
    assert engine.pair.detection
    with torch.no_grad():
        engine.pair.detection.prediction.bias.fill_(torch.inf)
        weights = [weight.clone() for weight in engine.pair.parameters()]
    measures = engine.step(batches, 1e-4, measure=True)
    assert measures
    assert measures.skipped_steps == 1
    assert all(torch.equal(left, right) for left, right in zip(weights, engine.pair.parameters(), strict=True))


@pytest.mark.parametrize(("zero_stage", "processes"), [(0, 1), (1, 2)])
def test_too_many_in_a_row_end_the_run_with_their_rows(
    corpus: Corpus, corpus_folder: Path, tmp_path: Path, zero_stage: int, processes: int
) -> None:
    wild = ("optimizer.learning_rate=1e38", "run.stop_after_skipped=3", f"compute.zero_stage={zero_stage}")
    often = ("run.save_every=1", "run.keep_last=9")
    ended = start(corpus_folder, tmp_path, *wild, *often, processes=processes)
    assert ended.returncode == (2 if processes == 1 else 1)  # torchrun exits with 1 for every failure
    assert "error: step 5: the loss or the gradient of the last 3 steps was not finite" in ended.stderr
    assert ended.stderr.count("error: ") == 1
    lines = [json.loads(line) for line in (tmp_path / "skipped-00000003.jsonl").read_text().splitlines()]
    assert len(lines) == 8
    rows = corpus.read("train", torch.tensor([line["row"] for line in lines]).numpy())
    for line, row in zip(lines, rows, strict=True):
        assert line["ids"] == row["tokens"][: row["length"]].tolist()
        assert line["text"].startswith("[CLS]")
        assert line["losses"] == {"mlm": None, "rtd": None}  # the cause is the weights, not the rows
    kept = checkpoint.list_checkpoints(tmp_path / "checkpoints")
    assert [folder.name for folder in kept] == ["step-00000001", "step-00000002"]
    assert all(weight.isfinite().all() for folder in kept for weight in checkpoint.read_weights(folder).values())
    if processes == 1:
        again = start(corpus_folder, tmp_path, *wild, *often)
        assert "resuming after step 2" in again.stdout
        assert "error: step 5: the loss or the gradient of the last 3 steps" in again.stderr


def test_the_run_ends_at_once_however_seldom_steps_are_logged(corpus: Corpus, world: World, tmp_path: Path) -> None:
    wild = recipe("optimizer.learning_rate=1e38", "run.stop_after_skipped=3", "run.log_every=12")
    with pytest.raises(UserError, match="step 5: the loss or the gradient of the last 3 steps was not finite"):
        train(wild, corpus, tmp_path / "run", world, "auto")


def test_rows_with_a_loss_are_told_from_others(corpus: Corpus, world: World, tmp_path: Path) -> None:
    """Only the norm of the gradient is not finite here."""
    edge = recipe("objectives.mlm.weight=1e20", "objectives.rtd.weight=1e20", "run.stop_after_skipped=1")
    with pytest.raises(UserError, match="step 1: the loss or the gradient of the last 1 steps was not finite"):
        train(edge, corpus, tmp_path, world, "auto")
    lines = [json.loads(line) for line in (tmp_path / "skipped-00000001.jsonl").read_text().splitlines()]
    means = torch.tensor([[line["losses"]["mlm"], line["losses"]["rtd"]] for line in lines]).mean(0)
    torch.testing.assert_close(means, torch.tensor([7.1, 0.69]), rtol=0.01, atol=0)


def test_weights_that_an_update_made_infinite_are_not_saved(corpus: Corpus, world: World, tmp_path: Path) -> None:
    wild = recipe("optimizer.learning_rate=3e38", "run.save_every=1", "schedule.warmup_steps=0")
    with pytest.raises(UserError, match="step 1: a weight is no longer a number, so nothing was saved"):
        train(wild, corpus, tmp_path / "run", world, "auto")
    assert not checkpoint.list_checkpoints(tmp_path / "run" / "checkpoints")
