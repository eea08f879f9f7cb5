"""Start from a released model: the whole way, its generator and its vocabulary."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import BertTokenizer

from configs.common.errors import UserError
from configs.common.files import read_json
from configs.load import from_tables, read
from data_prep.__main__ import load_corpus_recipe
from data_prep.prepare import prepare
from data_prep.shards import Corpus
from pretrain.model.pair import ElectraPair
from pretrain.released.adaptation import complete_recipe, recipe_and_weights
from pretrain.released.initialization import InitialWeights
from pretrain.released.lookup import open_released
from pretrain.run import checkpoint
from pretrain.step.world import World
from pretrain.train import train
from tests.conftest import documents
from tests.released import TOWER, Models, release

FEW_STEPS = (
    "data.row_length=32",
    "model.dropout=0.0",
    "model.attention_dropout=0.0",
    "schedule.steps=6",
    "schedule.warmup_steps=1",
    "optimizer.learning_rate=1e-3",
    "compute.precision=fp32",
    "batch.rows=8",
    "run.log_every=1",
    "run.evaluate_every=3",
    "run.evaluate_rows=16",
    "run.save_every=3",
)


@pytest.fixture(scope="module")
def models(corpus_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Models]:
    folder = tmp_path_factory.mktemp("model")
    return folder, release(folder, corpus_folder / "vocab.txt")


@pytest.fixture(scope="module")
def model(models: tuple[Path, Models]) -> Path:
    return models[0] / "x-discriminator"


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_text("\n\n".join(documents(20)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def domain(model: Path, text: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a corpus with the model's own vocabulary."""
    out = tmp_path_factory.mktemp("domain") / "corpus"
    prepare(load_corpus_recipe("adapt", [f"data.sources={text}", *FEW_STEPS], str(model)), out, 1)
    return out


def start(model: Path | None, corpus: Path, run: Path, world: World, *overrides: str, recipe: str = "adapt") -> bool:
    """Start a run as the command does."""
    opened = Corpus(corpus)
    named = str(model) if model else None
    loaded, weights = recipe_and_weights(read(recipe, [*FEW_STEPS, *overrides]), recipe, named, opened, run)
    return train(loaded, opened, run, world, "auto", initial_weights=weights)


def completed(model: Path, *overrides: str) -> tuple[InitialWeights, dict[str, Any]]:
    tables, weights = complete_recipe(open_released(str(model)), read("adapt", overrides), "adapt")
    return weights, tables


def test_the_whole_way(model: Path, domain: Path, world: World, tmp_path: Path, capsys: Any) -> None:
    run = tmp_path / "run"
    assert start(model, domain, run, world)
    output = capsys.readouterr().out
    assert f"begins with {model}:" in output
    (started,) = read_json(run / "provenance.json")["starts"]
    table = {line["part"]: line for line in started["init_from"]["table"]}
    assert table["discriminator"]["loaded"] and not any(line["fresh"] for line in table.values())
    assert checkpoint.list_checkpoints(run / "checkpoints")[-1].name == "step-00000006"
    # The new run is itself a model that another run can start from.
    assert start(run, domain, tmp_path / "next", world)


def test_the_first_weights_are_the_models(
    models: tuple[Path, Models], model: Path, domain: Path, tmp_path: Path
) -> None:
    """The pair gives the same logits as transformers' models."""
    tables = read("adapt", FEW_STEPS)
    loaded, weights = recipe_and_weights(tables, "adapt", str(model), Corpus(domain), tmp_path)
    assert weights
    pair = ElectraPair(loaded).eval()
    weights.load(pair, domain)
    tokens = torch.randint(5, 1200, (3, 20))
    segments, real = torch.zeros_like(tokens), torch.ones_like(tokens)
    with torch.no_grad():
        detected, predicted = models[1].discriminator(tokens).logits, models[1].generator(tokens).logits
        torch.testing.assert_close(pair.discriminator_logits(tokens, segments, real), detected, rtol=0, atol=1e-5)
        torch.testing.assert_close(pair.generator_logits(tokens, segments, real), predicted, rtol=0, atol=1e-5)


def test_a_run_resumes_when_the_model_is_gone(model: Path, domain: Path, world: World, tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    model_copy = Path(shutil.copytree(model.parent, tmp_path / "model")) / "x-discriminator"
    assert start(model_copy, domain, whole, world)
    assert start(model_copy, domain, cut, world)
    shutil.rmtree(cut / "checkpoints" / "step-00000006")
    shutil.rmtree(model_copy)
    assert start(model_copy, domain, cut, world)
    left, right = (checkpoint.read_weights(run / "checkpoints" / "step-00000006") for run in (whole, cut))
    assert all(torch.equal(left[name], right[name]) for name in left)
    # Without a checkpoint, the run can start only from the model.
    shutil.rmtree(cut / "checkpoints")
    with pytest.raises(UserError, match="no such folder, so it holds no model"):
        start(model_copy, domain, cut, world)
    with pytest.raises(UserError, match="name that model with --init-from"):
        start(None, domain, cut, world)


def test_a_recipe_of_its_own_shape_is_not_begun_again_without_its_model(
    model: Path, domain: Path, world: World, tmp_path: Path
) -> None:
    """A run that was killed before its first checkpoint is refused without --init-from.

    It would otherwise train random weights.
    """
    shape = [
        "model.embedding=16",
        "model.max_positions=40",
        "model.token_types=2",
        "model.layer_norm_epsilon=1e-12",
        "model.generator={layers=2, hidden=8, heads=1, intermediate=16}",
        "model.discriminator={layers=2, hidden=32, heads=4, intermediate=64}",
        "initial.generator_steps=0",
    ]
    run = tmp_path / "run"
    assert start(model, domain, run, world, *shape)
    shutil.rmtree(run / "checkpoints")
    vocabulary = [f"vocabulary.{key}={str(value).lower()}" for key, value in Corpus(domain).vocabulary]
    with pytest.raises(UserError, match=r"began with --init-from .*, and has no checkpoint yet; give this option"):
        start(None, domain, run, world, *shape, *vocabulary)


def test_another_shape_and_a_recipe_without_the_table_are_refused(model: Path) -> None:
    with pytest.raises(UserError, match=r"adapt: model\.discriminator\.hidden: 64, and .* has 32; name another model"):
        completed(model, "model.discriminator={layers=2, hidden=64, heads=4, intermediate=64}")
    with pytest.raises(UserError, match=r"small: has no table \[initial\]"):
        complete_recipe(open_released(str(model)), read("small"), "small")


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"generator": TOWER}, "it is as wide as the discriminator (32)"),
        ({"shared": False}, "is not the discriminator's (they differ by"),
        ({"shared": False, "embedding": 8}, "its embeddings are 8 wide, and the discriminator's 16"),
    ],
)
def test_a_generator_that_does_not_fit(tmp_path: Path, options: dict[str, Any], why: str) -> None:
    release(tmp_path, **options)
    model = tmp_path / "x-discriminator"
    built, tables = completed(model)
    assert built.generator is None
    assert any(why in remark and "a new one is built" in remark for remark in built.remarks)
    assert tables["model"]["generator"] == {"layers": 2, "hidden": 8, "heads": 1, "intermediate": 16}
    assert tables["initial"]["generator_steps"] == 2000
    with pytest.raises(UserError, match=r"initial\.generator is 'refuse'\); set initial\.generator=build"):
        completed(model, "initial.generator=refuse")
    if "embedding" in options:
        with pytest.raises(UserError, match="cannot be kept"):
            completed(model, "initial.generator=keep")
    else:
        kept, tables = completed(model, "initial.generator=keep")
        assert kept.generator and tables["initial"]["generator_steps"] == 0


def test_a_generator_that_is_missing(model: Path, tmp_path: Path) -> None:
    alone = Path(shutil.copytree(model, tmp_path / "alone"))
    built, _ = completed(alone)
    assert built.generator is None and "generator: there is none; a new one is built" in built.remarks
    for choice in ("keep", "refuse"):
        with pytest.raises(UserError, match=f"there is none, so it cannot be kept .initial.generator is '{choice}'"):
            completed(alone, f"initial.generator={choice}")
    generator = Path(shutil.copytree(model.parent / "x-generator", tmp_path / "only"))
    with pytest.raises(UserError, match="holds a generator alone"):
        completed(generator)


def test_a_fresh_generator_learns_alone(model: Path, domain: Path, world: World, tmp_path: Path) -> None:
    """Until the new generator has learned alone, the discriminator and the embeddings keep their released bits."""
    alone = Path(shutil.copytree(model, tmp_path / "alone"))
    run = tmp_path / "run"
    assert start(alone, domain, run, world, "initial.generator_steps=3")
    released = open_released(str(model)).networks["discriminator"].weights
    waited, learned = (checkpoint.read_weights(folder) for folder in checkpoint.list_checkpoints(run / "checkpoints"))
    for name, tensor in released.items():
        assert torch.equal(waited[name], tensor), name
        assert not torch.equal(learned[name], tensor), name
    assert all(not torch.equal(waited[name], learned[name]) for name in waited if name.startswith("generator."))
    expected = ElectraPair(from_tables(read(str(run / "recipe.toml")), "run"))
    assert {name for name in waited if name.startswith(("generator.", "objectives.mlm."))} == {
        name for name, _ in expected.named_parameters() if name.startswith(("generator.", "objectives.mlm."))
    }


@pytest.mark.parametrize("unused", [0, 3])
def test_new_words_leave_the_others_as_they_were(corpus_folder: Path, text: Path, tmp_path: Path, unused: int) -> None:
    """New words start with the mean of their pieces' embeddings; other text has the model's logits, to the bit."""
    words = (corpus_folder / "vocab.txt").read_text().splitlines()
    words[10 : 10 + unused] = [f"[unused{number}]" for number in range(unused)]
    (tmp_path / "vocab.txt").write_text("\n".join(words) + "\n")
    base_model = release(tmp_path, tmp_path / "vocab.txt").discriminator
    model = tmp_path / "x-discriminator"
    overrides = [f"data.sources={text}", "vocabulary.extend=5", *FEW_STEPS]
    prepare(load_corpus_recipe("adapt", overrides, str(model)), tmp_path / "corpus", 1)
    extended = (tmp_path / "corpus" / "vocab.txt").read_text().splitlines()
    assert len(extended) == len(words) + 5 - unused
    new = [number for number, word in enumerate(extended) if number >= len(words) or word != words[number]]
    corpus = Corpus(tmp_path / "corpus")
    loaded, weights = recipe_and_weights(read("adapt", FEW_STEPS), "adapt", str(model), corpus, tmp_path)
    assert weights
    pair = ElectraPair(loaded).eval()
    report = weights.load(pair, tmp_path / "corpus")
    assert any("5 new words begin as the mean of their pieces" in line.remark for line in report.table)
    table = weights.discriminator.weights["embeddings.word.weight"]
    tokenizer = BertTokenizer(str(tmp_path / "vocab.txt"))
    for number in new:
        pieces = tokenizer.convert_tokens_to_ids(tokenizer.tokenize(extended[number]))
        torch.testing.assert_close(pair.embeddings.word.weight[number], table[pieces].mean(0))
    old = torch.tensor([number for number in range(5, len(words)) if number not in new])
    tokens = old[torch.randint(len(old), (2, 20))]
    segments, real = torch.zeros_like(tokens), torch.ones_like(tokens)
    with torch.no_grad():
        expected = base_model(tokens).logits
        torch.testing.assert_close(pair.discriminator_logits(tokens, segments, real), expected, rtol=0, atol=1e-5)


def test_a_corpus_of_another_vocabulary_is_refused(model: Path, text: Path, world: World, tmp_path: Path) -> None:
    words = (model / "vocab.txt").read_text().splitlines()
    (tmp_path / "vocab.txt").write_text("\n".join([*words[:5], *reversed(words[5:])]) + "\n")
    release(tmp_path, tmp_path / "vocab.txt")
    other = tmp_path / "x-discriminator"
    prepare(load_corpus_recipe("adapt", [f"data.sources={text}", *FEW_STEPS], str(other)), tmp_path / "corpus", 1)
    with pytest.raises(UserError, match=r"entry 5 of its vocabulary is .*; prepare the corpus with --init-from"):
        start(model, tmp_path / "corpus", tmp_path / "run", world)
    assert not (tmp_path / "run").exists()


def test_lower_layers_learn_more_slowly(model: Path, domain: Path, world: World, tmp_path: Path) -> None:
    """With Adam each weight moves by about its learning rate.

    The rate of a layer is half the rate of the layer above it, and the embeddings lie below all layers.
    """
    one = ("schedule.steps=2", "initial.layer_decay=0.5", "optimizer.weight_decay=0.0", "run.save_every=2")
    assert start(model, domain, tmp_path / "run", world, *one)
    before = open_released(str(model)).networks["discriminator"].weights
    after = checkpoint.read_weights(checkpoint.list_checkpoints(tmp_path / "run" / "checkpoints")[-1])
    moved = {
        part: max(float((after[name] - tensor).abs().max()) for name, tensor in before.items() if name.startswith(part))
        for part in ("embeddings.", "discriminator.layers.0.", "discriminator.layers.1.", "objectives.rtd.")
    }
    steps = [*moved.values()]
    assert steps[0] == pytest.approx(steps[3] / 4, rel=0.05)
    assert steps[1] == pytest.approx(steps[3] / 2, rel=0.05)
    assert steps[2] == pytest.approx(steps[3], rel=0.05)


def test_a_run_that_resumes_is_compared_with_what_is_stated(
    model: Path, domain: Path, world: World, tmp_path: Path
) -> None:
    """The command need not repeat what the run has from its model; another stated value is refused by its key."""
    run = tmp_path / "run"
    assert start(model, domain, run, world)
    with pytest.raises(UserError, match=r"this run has model\.dropout = 0\.0, and now it is 0\.2"):
        start(model, domain, run, world, "model.dropout=0.2")
    with pytest.raises(UserError, match=r"this run has initial\.layer_decay = 1\.0, and now it is 0\.5"):
        start(model, domain, run, world, "initial.layer_decay=0.5")
