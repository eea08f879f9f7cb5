"""Kill and resume the real command, on one and two processes; the losses are always the same."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from configs.common.errors import UserError
from configs.load import load
from configs.recipe import Recipe
from data_prep.prepare import prepare
from data_prep.shards import Corpus
from pretrain.evaluation.rows.show import print_scores
from pretrain.run import checkpoint
from pretrain.run.distributions import Distributions, read_distributions
from pretrain.run.logs import read_metrics
from pretrain.run.samples import Samples, read_samples
from pretrain.step.world import World
from pretrain.train import train
from tests.conftest import SMALL


def command(corpus: Path, run: Path, *overrides: str, processes: int = 1) -> list[str]:
    options = ["pretrain", "tiny", "--corpus", str(corpus), "--run", str(run), *SMALL, *overrides]
    if processes == 1:
        return [sys.executable, "-m", "pretrain", *options]
    torchrun = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    return [sys.executable, *torchrun, "-m", "--", "pretrain", *options]


def start(*arguments: Any, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments, **options), capture_output=True, text=True)


def training(run: Path) -> dict[int, dict[str, float]]:
    """Map each step to its logged numbers, without those that depend on the clock."""
    names = ("loss", "mlm_loss", "rtd_loss", "masked_accuracy", "sampled_accuracy", "replaced_share", "gradient_norm")
    lines = [line for line in read_metrics(run) if line["kind"] == "training"]
    assert len({line["step"] for line in lines}) == len(lines), "a step was logged twice"
    parts = sorted({name for line in lines for name in line if name.startswith("gradient_norm/")})
    return {line["step"]: {name: line[name] for name in (*names, *parts)} for line in lines}


def evaluated(run: Path) -> tuple[list[Samples], list[Distributions]]:
    return read_samples(run), read_distributions(run)


def corrupted(run: Path) -> list[list[tuple]]:
    """Return the rows of each evaluation as the networks saw them."""
    return [[(row.row, row.tokens, row.slots) for row in samples.rows] for samples in read_samples(run)]


def wait_for_step(run: Path, step: int, process: subprocess.Popen[str]) -> None:
    while process.poll() is None and not any(line["step"] >= step for line in read_metrics(run)):
        time.sleep(0.02)


@pytest.fixture(scope="module")
def whole(corpus_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run that nothing disturbed."""
    run = tmp_path_factory.mktemp("runs") / "whole"
    finished = start(corpus_folder, run)
    assert finished.returncode == 0, finished.stderr
    assert "12/12" in finished.stdout
    return run


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "run"))


def test_a_run_is_a_folder(whole: Path) -> None:
    names = {path.name for path in whole.iterdir() if not path.name.startswith(".")}
    assert names == {
        *("recipe.toml", "provenance.json", "metrics.jsonl", "tensorboard", "checkpoints", "tokenizer.json"),
        *("vocab.txt", "samples.jsonl", "distributions.jsonl", "report.html"),
    }
    assert [path.name for path in checkpoint.list_checkpoints(whole / "checkpoints")] == [
        "step-00000008",
        "step-00000012",
    ]
    (started,) = json.loads((whole / "provenance.json").read_text())["starts"]
    assert started["packages"]["torch"] == torch.__version__
    assert started["precision"] == "float32"
    assert load(str(whole / "recipe.toml")).schedule.steps == 12


def test_the_same_run_twice_is_the_same_bit_for_bit(whole: Path, corpus_folder: Path, tmp_path: Path) -> None:
    assert start(corpus_folder, tmp_path / "again").returncode == 0
    assert training(tmp_path / "again") == training(whole)
    left, right = (
        checkpoint.read_weights(run / "checkpoints" / "step-00000012") for run in (whole, tmp_path / "again")
    )
    assert all(torch.equal(left[name], right[name]) for name in left)


@pytest.mark.parametrize("step", [1, 9])
def test_killed_and_continued(whole: Path, corpus_folder: Path, tmp_path: Path, step: int) -> None:
    run = tmp_path / "killed"
    process = subprocess.Popen(command(corpus_folder, run), stdout=subprocess.DEVNULL, text=True)
    wait_for_step(run, step, process)
    process.kill()
    process.wait()
    finished = start(corpus_folder, run)
    assert finished.returncode == 0, finished.stderr
    assert training(run) == training(whole)
    assert evaluated(run) == evaluated(whole)
    assert not list((run / "checkpoints").glob(".*"))


@pytest.mark.parametrize("zero_stage", [pytest.param(0, marks=pytest.mark.slow), 1, 2])
def test_two_processes_give_the_losses_of_one(
    whole: Path, corpus_folder: Path, tmp_path: Path, zero_stage: int
) -> None:
    run = tmp_path / "two"
    finished = start(corpus_folder, run, f"compute.zero_stage={zero_stage}", processes=2)
    assert finished.returncode == 0, finished.stderr
    assert corrupted(run) == corrupted(whole)
    for step, expected in training(whole).items():
        for name, value in training(run)[step].items():
            tolerance = 1e-4 if name.startswith("gradient_norm") else 1e-5
            assert value == pytest.approx(expected[name], rel=tolerance, abs=1e-9), (step, name)


def test_accumulation_gives_the_losses_of_the_whole_batch(
    whole: Path, corpus: Corpus, world: World, tmp_path: Path
) -> None:
    assert train(recipe("batch.micro_rows=2"), corpus, tmp_path / "run", world, "auto")
    for step, expected in training(whole).items():
        assert training(tmp_path / "run")[step]["loss"] == pytest.approx(expected["loss"], rel=1e-5)


def recipe(*overrides: str) -> Recipe:
    return load("tiny", [*SMALL, *overrides])


@pytest.mark.parametrize(
    "overrides", [(), ("model.dropout=0.1", "model.attention_dropout=0.1", "compute.precision=bf16")]
)
def test_evaluating_and_logging_change_nothing(
    corpus: Corpus, world: World, tmp_path: Path, overrides: tuple[str, ...]
) -> None:
    often = ("run.evaluate_every=1", "run.save_every=1", "run.evaluate_rows=40")
    seldom = ("run.evaluate_every=12", "run.save_every=12", "run.evaluate_rows=0", "run.log_every=5")
    assert train(recipe(*overrides, *often), corpus, tmp_path / "often", world, "auto")
    assert train(recipe(*overrides, *seldom), corpus, tmp_path / "seldom", world, "auto")
    logged = training(tmp_path / "seldom")
    assert list(logged) == [5, 10, 12]
    assert logged == {step: values for step, values in training(tmp_path / "often").items() if step in logged}
    left, right = (
        checkpoint.read_weights(tmp_path / run / "checkpoints" / "step-00000012") for run in ("often", "seldom")
    )
    assert all(torch.equal(left[name], right[name]) for name in left)


def test_dropout_is_the_same_after_a_restart(corpus: Corpus, world: World, tmp_path: Path) -> None:
    dropout = ("model.dropout=0.1", "model.attention_dropout=0.1")
    assert train(recipe(*dropout), corpus, tmp_path / "whole", world, "auto")
    shutil.copytree(tmp_path / "whole", tmp_path / "cut")
    shutil.rmtree(tmp_path / "cut" / "checkpoints" / "step-00000012")
    assert train(recipe(*dropout), corpus, tmp_path / "cut", world, "auto")
    assert training(tmp_path / "cut") == training(tmp_path / "whole")


def test_bf16_trains(corpus: Corpus, world: World, tmp_path: Path) -> None:
    """Weights and the residual stream stay fp32, also after a projection of the embeddings."""
    wider = "model.discriminator={layers=2, hidden=64, heads=2, intermediate=64}"
    assert train(recipe("compute.precision=bf16", wider), corpus, tmp_path / "run", world, "auto")
    losses = [values["loss"] for values in training(tmp_path / "run").values()]
    assert losses[-1] < losses[0]
    weights = checkpoint.read_weights(checkpoint.list_checkpoints(tmp_path / "run" / "checkpoints")[-1])
    assert {tensor.dtype for tensor in weights.values()} == {torch.float32}


def test_a_finished_run_has_nothing_to_do(copy: Path, corpus: Corpus, world: World) -> None:
    before = training(copy)
    assert train(recipe(), corpus, copy, world, "auto")
    assert training(copy) == before


def test_a_metrics_file_cut_in_half_does_no_harm(copy: Path, corpus: Corpus, world: World) -> None:
    expected = training(copy)
    content = (copy / "metrics.jsonl").read_text()
    (copy / "metrics.jsonl").write_text(content[:-40])
    shutil.rmtree(copy / "checkpoints" / "step-00000012")
    assert train(recipe(), corpus, copy, world, "auto")
    assert training(copy) == expected


def test_another_recipe_is_refused_by_key(copy: Path, corpus: Corpus, world: World) -> None:
    with pytest.raises(UserError, match=r"this run has optimizer\.learning_rate = 0\.\d+, and now it is 0\.01"):
        train(recipe("optimizer.learning_rate=0.01"), corpus, copy, world, "auto")
    with pytest.raises(UserError, match="already holds a run"):
        train(recipe(), corpus, copy, world, "never")


def test_a_recipe_that_cannot_be_built_leaves_nothing(corpus: Corpus, world: World, tmp_path: Path) -> None:
    for overrides in (("objectives.rdt.weight=1.0",), ("deepspeed.train_batch_size=3",)):
        with pytest.raises(UserError):
            train(recipe(*overrides), corpus, tmp_path / "run", world, "auto")
    assert not (tmp_path / "run").exists()


def test_another_vocabulary_of_the_same_size_is_refused(
    whole: Path, small_recipe: Recipe, corpus: Corpus, world: World, tmp_path: Path
) -> None:
    words = (corpus.folder / "vocab.txt").read_text().split("\n")[:-1]
    (tmp_path / "vocab.txt").write_text("\n".join([*words[:5], *reversed(words[5:])]) + "\n")
    sources = f"data.sources={small_recipe.data.sources[0].path}"
    source = f"vocabulary.source={tmp_path / 'vocab.txt'}"
    prepare(recipe(sources, source), tmp_path / "other", 1)
    with pytest.raises(UserError, match=r"entry 5 of its vocabulary is .*; prepare the corpus with --init-from"):
        print_scores(str(whole), [tmp_path / "other"], None)
    with pytest.raises(UserError, match=r"was prepared with vocabulary\.source = \"train\""):
        train(recipe(source), corpus, tmp_path / "run", world, "auto")


def test_rows_made_otherwise_are_scored(
    whole: Path, small_recipe: Recipe, corpus: Corpus, tmp_path: Path, capsys: Any
) -> None:
    sources = f"data.sources={small_recipe.data.sources[0].path}"
    source = f"vocabulary.source={corpus.folder / 'vocab.txt'}"
    prepare(recipe(sources, source, "data.packing=single", "data.row_length=128"), tmp_path / "other", 1)
    print_scores(str(whole), [tmp_path / "other"], 4)
    assert re.search(r"rows +4", capsys.readouterr().out)


def test_killed_before_anything_was_written(whole: Path, corpus: Corpus, world: World, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / ".lock").touch()
    (run / ".recipe.toml.tmp").write_text("half")
    assert train(recipe(), corpus, run, world, "auto")
    assert training(run) == training(whole)


def test_a_corpus_of_other_numbers_is_refused_by_key(corpus: Corpus, world: World, tmp_path: Path) -> None:
    for override, key in (
        ("data.row_length=32", "data.row_length = 64"),
        ("vocabulary.size=1000", "vocabulary.size = 1200"),
        ("masking.rate=0.2", "masking.rate = 0.15"),
    ):
        with pytest.raises(UserError) as error:
            train(recipe(override), corpus, tmp_path / "run", world, "auto")
        assert f"was prepared with {key}" in str(error.value)
    assert not (tmp_path / "run").exists()


def test_another_corpus_is_refused(
    copy: Path, small_recipe: Recipe, world: World, tmp_path: Path, text_file: Path
) -> None:
    text = tmp_path / "other.txt"
    text.write_text(text_file.read_text() + "\n\none more page\n", encoding="utf-8")
    prepare(recipe(f"data.sources={text}"), tmp_path / "other", 1)
    with pytest.raises(UserError, match="was trained on another corpus"):
        train(recipe(), Corpus(tmp_path / "other"), copy, world, "auto")


def test_a_run_in_use_and_a_folder_of_others_are_refused(
    copy: Path, corpus: Corpus, corpus_folder: Path, world: World, tmp_path: Path
) -> None:
    import fcntl

    with (copy / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(UserError, match="another process is training this run"):
            train(recipe(), corpus, copy, world, "auto")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years of work")
    with pytest.raises(UserError, match="is not empty and holds no run"):
        train(recipe(), corpus, tmp_path / "mine", world, "auto")
    finished = start(corpus_folder, tmp_path / "mine")
    assert finished.returncode == 2
    assert finished.stderr.startswith("error: ")
    assert "Traceback" not in finished.stderr
