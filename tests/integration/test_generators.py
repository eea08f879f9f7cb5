"""The generators that a run can have: their temperature, embeddings of their own, and frozen ones."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from configs.common.errors import UserError
from configs.common.files import read_json
from configs.load import read
from data_prep.shards import Corpus
from pretrain.evaluation.rows.show import print_scores
from pretrain.export.checkpoints import Choice
from pretrain.export.folder import Order, export
from pretrain.released.adaptation import recipe_and_weights
from pretrain.released.lookup import open_released
from pretrain.run import checkpoint
from pretrain.step.engine import AVERAGE, WEIGHTS, tensors_file
from pretrain.step.optim import MOMENTS
from pretrain.step.world import World
from pretrain.train import train
from tests.berts import bert, save
from tests.integration.test_layouts import assert_same, go_on_from
from tests.integration.test_run import recipe, training
from tests.released import assert_weights, release

FALLS = ("corruption.temperature_start=50.0", "corruption.temperature_steps=8", "optimizer.learning_rate=0.01")


def test_the_temperature_of_a_step_is_the_same_after_an_interruption(
    corpus: Corpus, world: World, tmp_path: Path
) -> None:
    """At 50 the samples are nearly uniform. The steps after the fall sample at the temperature 1 again."""
    falling = recipe(*FALLS)
    assert train(falling, corpus, tmp_path / "whole", world, "auto")
    shutil.copytree(tmp_path / "whole", tmp_path / "cut")
    go_on_from(tmp_path / "cut", 8)
    assert checkpoint.list_checkpoints(tmp_path / "cut" / "checkpoints")[-1].name == "step-00000008"
    assert train(falling, corpus, tmp_path / "cut", world, "auto")
    assert training(tmp_path / "cut") == training(tmp_path / "whole")
    assert train(recipe(*FALLS[2:]), corpus, tmp_path / "constant", world, "auto")
    falls, constant = training(tmp_path / "whole"), training(tmp_path / "constant")
    assert falls[8]["sampled_accuracy"] < constant[8]["sampled_accuracy"]


SHORT = (
    "model.dropout=0.0",
    "model.attention_dropout=0.0",
    "schedule.steps=6",
    "schedule.warmup_steps=1",
    "optimizer.learning_rate=1e-2",
    "optimizer.bias_correction=true",
    "compute.precision=fp32",
    "batch.rows=8",
    "batch.micro_rows=4",
    "run.log_every=1",
    "run.evaluate_every=3",
    "run.evaluate_rows=8",
    "run.save_every=3",
)
FROZEN = "initial.generator_frozen=true"


@pytest.fixture(scope="module")
def models(corpus_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An ELECTRA of 32 over 16, and as generators a BERT that is 24 wide and another that has another vocabulary."""
    folder, vocabulary = tmp_path_factory.mktemp("models"), corpus_folder / "vocab.txt"
    release(folder, vocabulary, max_positions=64)
    entries = vocabulary.read_text(encoding="utf-8").splitlines()
    shape = {"entries": len(entries), "hidden_size": 24, "max_position_embeddings": 64}
    save(bert("BertForMaskedLM", **shape), folder / "bert", vocabulary)
    save(bert("BertModel", **shape | {"hidden_size": 32}), folder / "encoder", vocabulary)
    other = save(bert("BertForMaskedLM", **shape), folder / "other", vocabulary)
    (other / "vocab.txt").write_text("\n".join([*entries[:7], *reversed(entries[7:])]) + "\n", encoding="utf-8")
    return folder


def start(
    models: Path, corpus: Path, run: Path, world: World, *overrides: str, model_name: str = "x-discriminator"
) -> bool:
    opened, model = Corpus(corpus), str(models / model_name)
    generator = [f"initial.generator_from={models / 'bert'}"] if model_name == "x-discriminator" else []
    tables = read("adapt", [*SHORT, *generator, *overrides])
    tables |= {name: getattr(opened, name).model_dump(mode="json") for name in ("data", "vocabulary", "masking")}
    loaded, weights = recipe_and_weights(tables, "adapt", model, opened, run)
    return train(loaded, opened, run, world, "auto", initial_weights=weights)


def newest(run: Path) -> Path:
    return checkpoint.list_checkpoints(run / "checkpoints")[-1]


@pytest.mark.parametrize("frozen", [False, True])
def test_a_generator_of_another_model(
    frozen: bool, models: Path, corpus_folder: Path, world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It keeps its own embeddings; frozen, it keeps every bit, and has no moments. Exports and scores take the run."""
    run = tmp_path / "run"
    assert start(models, corpus_folder, run, world, f"initial.generator_frozen={str(frozen).lower()}")
    generator, expected = (open_released(str(model)).networks["generator"] for model in (run, models / "bert"))
    unchanged = [torch.equal(generator.weights[name], tensor) for name, tensor in expected.weights.items()]
    assert all(unchanged) if frozen else not any(unchanged)
    before = open_released(str(models / "x-discriminator")).networks["discriminator"]
    after = open_released(str(run)).networks["discriminator"]
    assert not any(torch.equal(after.weights[name], tensor) for name, tensor in before.weights.items())
    weights, *moments = (load_file(tensors_file(newest(run), part)) for part in (WEIGHTS, *MOMENTS))
    of_generator = {name for name in weights if name.startswith(("embeddings.", "generator.", "objectives.mlm."))}
    assert [weights.keys() - part.keys() for part in moments] == 2 * [of_generator if frozen else set()]
    (started,) = read_json(run / "provenance.json")["starts"]
    lines = {line["part"]: line for line in started["init_from"]["table"]}
    assert lines["embeddings"]["remark"] == lines["generator"]["remark"] == str(models / "bert")
    assert lines["discriminator_embeddings"]["remark"] == str(models / "x-discriminator")
    assert not any(line["fresh"] for line in lines.values())
    for form in ("huggingface", "tensorflow"):
        export(str(run), tmp_path / form, Order(form))
        assert_weights(open_released(str(tmp_path / form)).networks["generator"], generator.weights)
    print_scores(str(run), [corpus_folder], 8, None, tmp_path / "scores.json")
    assert "RTD AUC" in capsys.readouterr().out


@pytest.mark.parametrize("frozen", ["false", "true"])
def test_every_stage_of_zero_and_resuming_are_the_same(
    frozen: str, models: Path, corpus_folder: Path, world: World, tmp_path: Path
) -> None:
    options = (f"initial.generator_frozen={frozen}", "initial.layer_decay=0.9", *FALLS[:2])
    assert start(models, corpus_folder, tmp_path / "whole", world, *options)
    for stage in (0, 1, 2):
        run = Path(shutil.copytree(tmp_path / "whole", tmp_path / f"zero{stage}"))
        go_on_from(run, 3)
        assert start(models, corpus_folder, run, world, *options, f"compute.zero_stage={stage}")
        if stage:
            assert_same(run, tmp_path / "whole")
            assert start(
                models, corpus_folder, tmp_path / f"new{stage}", world, *options, f"compute.zero_stage={stage}"
            )
            assert_same(tmp_path / f"new{stage}", tmp_path / "whole")
        else:
            assert training(run) == training(tmp_path / "whole")
            for part in (WEIGHTS, *MOMENTS):
                left, right = (tensors_file(newest(folder), part).read_bytes() for folder in (run, tmp_path / "whole"))
                assert left == right, part


@pytest.mark.parametrize(
    ("model", "options", "stage"),
    [
        ("x-discriminator", ("initial.generator_from={models}/bert", FROZEN), 2),
        pytest.param("x-discriminator", ("initial.generator_from={models}/bert",), 1, marks=pytest.mark.slow),
        pytest.param("encoder", ("initial.generator_steps=2",), 0, marks=pytest.mark.slow),
    ],
)
def test_two_processes_compute_the_same_losses(
    model: str,
    options: tuple[str, ...],
    stage: int,
    models: Path,
    corpus_folder: Path,
    world: World,
    tmp_path: Path,
) -> None:
    """With a frozen generator, with one that a BERT begins, and with a new one for a BERT, at first trained alone."""
    options = tuple(option.replace("{models}", str(models)) for option in options)
    assert start(models, corpus_folder, tmp_path / "whole", world, *options, model_name=model)
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "--"]
    places = ["--corpus", str(corpus_folder), "--run", str(tmp_path / "two")]
    command = ["pretrain", "pretrain", "adapt", *places, "--init-from", str(models / model)]
    overrides = [*SHORT, *options, f"compute.zero_stage={stage}"]
    finished = subprocess.run([sys.executable, *torchrun, *command, *overrides], capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    assert_same(tmp_path / "two", tmp_path / "whole")


def test_the_models_own_generator_can_be_frozen(
    models: Path, corpus_folder: Path, world: World, tmp_path: Path
) -> None:
    """With embeddings of its own, or with differences that only the discriminator trains."""
    expected = open_released(str(models / "x-discriminator")).networks["generator"].weights
    for sharing in ("none", "disentangled"):
        own = ("initial={generator='keep', generator_width=1.0, generator_steps=0, layer_decay=1.0}", FROZEN)
        assert start(models, corpus_folder, tmp_path / sharing, world, *own, f"model.shared_embeddings={sharing}")
        weights = open_released(str(tmp_path / sharing)).networks["generator"].weights
        assert all(torch.equal(weights[name], tensor) for name, tensor in expected.items())


def test_the_average_of_a_frozen_generator_is_the_generator(
    models: Path, corpus_folder: Path, world: World, tmp_path: Path
) -> None:
    """Bit for bit, also after resuming, while the discriminator's average differs from its weights."""
    options = (FROZEN, "optimizer.average_decay=0.9")
    assert start(models, corpus_folder, tmp_path / "run", world, *options)
    whole = load_file(tensors_file(newest(tmp_path / "run"), AVERAGE))
    go_on_from(tmp_path / "run", 3)
    assert start(models, corpus_folder, tmp_path / "run", world, *options)
    weights, average = (load_file(tensors_file(newest(tmp_path / "run"), part)) for part in (WEIGHTS, AVERAGE))
    assert all(torch.equal(average[name], tensor) for name, tensor in whole.items())
    of_generator = {name for name in weights if name.startswith(("embeddings.", "generator.", "objectives.mlm."))}
    assert {name for name in weights if torch.equal(weights[name], average[name])} == of_generator
    order = Order(part="generator", choice=Choice(weights="average"))
    ((folder, _),) = export(str(tmp_path / "run"), tmp_path / "exported", order)
    expected = open_released(str(models / "bert")).networks["generator"].weights
    assert_weights(open_released(str(folder)).networks["generator"], expected)


OWN = "initial={generator='keep', generator_width=1.0, generator_steps=5, layer_decay=1.0}"
REFUSED = {
    "another vocabulary": (
        ("initial.generator_from={models}/other",),
        r"generator_from: .*: entry 7 of its vocabulary is",
    ),
    "no generator": (("initial.generator_from={models}/alone",), "has no head that predicts masked words"),
    "no model": (("initial.generator_from={models}/nothing",), "no such folder"),
    "shared": ((OWN, FROZEN), r"share none of them \(model\.shared_embeddings=none\), or train the generator too"),
    "new": (
        (
            "initial={generator='build', generator_width=0.5, generator_steps=5, layer_decay=1.0}",
            FROZEN,
            "model.shared_embeddings=none",
        ),
        "a new generator has to learn",
    ),
    "only mlm": ((FROZEN, "objectives={mlm={weight=1.0}}"), "only the generator has an objective"),
    "width": (("model.generator_embedding=8",), r"model\.generator_embedding: 8, and .* has 24"),
    "epsilon": (("initial.generator_from={models}/epsilon",), "its LayerNorms have the epsilon 1e-05"),
    "positions": (
        ("initial.generator_from={models}/long",),
        r"has 80 positions, and the run 64; set model\.max_positions=80",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_generators_that_are_refused(
    case: str, models: Path, corpus_folder: Path, world: World, tmp_path: Path
) -> None:
    overrides, sentence = REFUSED[case]
    copied = Path(shutil.copytree(models, tmp_path / "models"))
    if case == "new":
        shutil.rmtree(copied / "x-generator")
    vocabulary = corpus_folder / "vocab.txt"
    entries = len(vocabulary.read_text(encoding="utf-8").splitlines())
    shutil.copytree(copied / "x-discriminator", copied / "alone")
    if case == "epsilon":
        config = json.loads((Path(shutil.copytree(copied / "bert", copied / "epsilon")) / "config.json").read_text())
        (copied / "epsilon" / "config.json").write_text(json.dumps(config | {"layer_norm_eps": 1e-5}))
    if case == "positions":
        longer = bert("BertForMaskedLM", entries=entries, max_position_embeddings=80)
        save(longer, copied / "long", vocabulary)
    words = [word.replace("{models}", str(copied)) for word in overrides]
    with pytest.raises(UserError, match=sentence):
        start(copied, corpus_folder, tmp_path / "run", world, *words)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("key", ["generator_from=anything", "generator_frozen=true"])
def test_a_generator_is_chosen_only_with_init_from(key: str, corpus: Corpus, tmp_path: Path) -> None:
    table = "initial={generator='keep', generator_width=1.0, generator_steps=0, layer_decay=1.0}"
    tables = read("tiny", [table, f"initial.{key}"])
    with pytest.raises(UserError, match=r"tiny: initial\.generator_.* without --init-from no model is read"):
        recipe_and_weights(tables, "tiny", None, corpus, tmp_path)
