"""What leaves the project: two models that transformers loads whole, with the logits of the pair that was trained."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForMaskedLM, AutoModelForPreTraining, AutoTokenizer

from configs.common.errors import UserError
from configs.load import load
from data_prep import vocabulary
from data_prep.shards import Corpus
from pretrain.export.huggingface import export
from pretrain.export.proof import largest_difference
from pretrain.run.trained_model import open_pair
from pretrain.step.world import World
from pretrain.train import train
from tests.conftest import SMALL, documents

MODELS = {"discriminator": AutoModelForPreTraining, "generator": AutoModelForMaskedLM}


@pytest.fixture(scope="module")
def run(corpus_folder: Path, world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "run"
    # a rate at which weights move visibly in twelve steps
    recipe = load("tiny", [*SMALL, "optimizer.learning_rate=0.01"])
    assert train(recipe, Corpus(corpus_folder), folder, world, "auto")
    return folder


@pytest.fixture(scope="module")
def models(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("exports") / "models"
    assert export(run, out, ("discriminator", "generator")) == [out / "discriminator", out / "generator"]
    return out


@pytest.mark.parametrize("part", MODELS)
def test_transformers_loads_it_whole_and_gives_the_same_logits(run: Path, models: Path, part: str) -> None:
    _, report = MODELS[part].from_pretrained(models / part, output_loading_info=True)
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    assert not report["mismatched_keys"]
    assert largest_difference(open_pair(run).pair, models / part, part) < 1e-5


def test_the_proof_can_fail(run: Path, models: Path) -> None:
    pair = open_pair(run).pair
    assert pair.detection is not None
    with torch.no_grad():
        pair.detection.prediction.bias.add_(0.001)
    assert largest_difference(pair, models / "discriminator", "discriminator") > 1e-4


@pytest.mark.parametrize("part", MODELS)
def test_the_tokenizer_is_that_of_the_corpus(corpus: Corpus, models: Path, part: str) -> None:
    theirs, ours = AutoTokenizer.from_pretrained(models / part), vocabulary.load(corpus.folder)
    for text in documents(5):
        assert theirs(text)["input_ids"] == ours.encode(text).ids
    assert theirs.mask_token_id == corpus.special.mask
    assert theirs("a", "b")["token_type_ids"] == [0, 0, 0, 1, 1]


def test_a_folder_holds_no_code_and_says_where_it_comes_from(run: Path, models: Path) -> None:
    expected = ["README.md", "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "vocab.txt"]
    card = (models / "generator" / "README.md").read_text()
    for part in MODELS:
        assert sorted(path.name for path in (models / part).iterdir()) == expected
        assert json.loads((models / part / "config.json").read_text())["architectures"] == [
            {"discriminator": "ElectraForPreTraining", "generator": "ElectraForMaskedLM"}[part]
        ]
    state = open_pair(run).state
    for fact in (state.recipe, state.corpus, "after 12 steps", "masked_accuracy", "[optimizer]"):
        assert fact in card


def test_one_part_of_one_checkpoint(run: Path, tmp_path: Path) -> None:
    (folder,) = export(run / "checkpoints" / "step-00000008", tmp_path / "old", ("generator",))
    assert [path.name for path in (tmp_path / "old").iterdir()] == ["generator"]
    assert "after 8 steps" in (folder / "README.md").read_text()


def test_what_cannot_be_exported(run: Path, models: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="exists and is not empty"):
        export(run, models, ("generator",))
    with pytest.raises(UserError, match="no such run or checkpoint"):
        export(tmp_path / "nowhere", tmp_path / "out", ("generator",))
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no checkpoint"):
        export(tmp_path / "empty", tmp_path / "out", ("generator",))
    assert not (tmp_path / "out").exists()


def test_without_detection_there_is_no_discriminator(corpus: Corpus, world: World, tmp_path: Path) -> None:
    recipe = load("tiny", [*SMALL, "objectives={mlm={weight=1.0}}", "schedule.steps=4"])
    assert train(recipe, corpus, tmp_path / "run", world, "auto")
    with pytest.raises(UserError, match="was trained without"):
        export(tmp_path / "run", tmp_path / "out", ("discriminator",))
    assert export(tmp_path / "run", tmp_path / "out", ("generator",))
