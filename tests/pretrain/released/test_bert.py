"""A BERT becomes the networks of a pair: equal outputs from every format, and other shapes are refused by name."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from configs.common.errors import UserError
from configs.load import read
from data_prep.released import vocabulary_keys
from launch.cli import app
from pretrain.export.source import pair_of_one
from pretrain.released.adaptation import complete_recipe
from pretrain.released.lookup import open_released
from pretrain.released.network import Released
from tests.berts import SHAPE, bert, save, save_paddle, save_tensorflow
from tests.released import assert_weights

TOKENS = torch.randint(60, (3, 20), generator=torch.Generator().manual_seed(0))
SEGMENTS = (torch.arange(20) > 9).long().expand(3, -1)
REAL = torch.arange(20) < torch.tensor([[20], [12], [3]])


def save_bin(model: Any, folder: Path) -> Path:
    """As the first releases of BERT: the projection is stored twice, and buffers are stored too."""
    save(model, folder)
    (folder / "model.safetensors").unlink()
    positions = torch.arange(SHAPE["max_position_embeddings"])[None]
    torch.save(dict(model.state_dict()) | {"bert.embeddings.position_ids": positions}, folder / "pytorch_model.bin")
    return folder


def save_sharded(model: Any, folder: Path) -> Path:
    model.save_pretrained(folder, max_shard_size="10KB")
    assert len([*folder.glob("model-*.safetensors")]) > 1
    return folder


def save_without_type(model: Any, folder: Path) -> Path:
    """As old repositories, whose config does not state the type of the model."""
    config = json.loads((save(model, folder) / "config.json").read_text())
    del config["model_type"]
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def save_old_norms(model: Any, folder: Path) -> Path:
    """As the first conversions to torch, which kept TensorFlow's names."""
    tensors = load_file(save(model, folder) / "model.safetensors")
    ends = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
    for name in [name for name in tensors if "LayerNorm" in name]:
        old = name.replace(end := ".".join(name.split(".")[-2:]), ends[end])
        tensors[f"module.{old}"] = tensors.pop(name)
    save_file(
        {f"module.{name.removeprefix('module.')}": t for name, t in tensors.items()}, folder / "model.safetensors"
    )
    return folder


def save_sentences(model: Any, folder: Path) -> Path:
    """As sentence-transformers: other modules lie below the encoder, whose tensors may be named after their wrapper."""
    tensors = load_file(save(model, folder) / "model.safetensors")
    save_file({f"0.auto_model.{name}": tensor for name, tensor in tensors.items()}, folder / "model.safetensors")
    modules = {"1_Pooling": {}, "2_Dense": {"linear.weight": torch.zeros(4, 16)}}
    for name, weights in modules.items():
        (folder / name).mkdir()
        (folder / name / "config.json").write_text('{"in_features": 16}')
        save_file(weights, folder / name / "model.safetensors")
    (folder / "modules.json").write_text(json.dumps([{"path": path} for path in ("", *modules)]))
    return folder


SAVED: dict[str, Callable[[Any, Path], Path]] = {
    "safetensors": save,
    "bin": save_bin,
    "sharded": save_sharded,
    "without a type": save_without_type,
    "old norms": save_old_norms,
    "sentence-transformers": save_sentences,
    "tensorflow": save_tensorflow,
    "paddle": save_paddle,
}


@torch.no_grad()
def assert_same_states(released: Released, encoder: Any) -> None:
    expected = encoder(input_ids=TOKENS, attention_mask=REAL.long(), token_type_ids=SEGMENTS).last_hidden_state[REAL]
    for part, network in released.networks.items():
        states = getattr(pair_of_one(network), f"{part}_states")(TOKENS, SEGMENTS, REAL)[REAL]
        assert float((states - expected).abs().max()) <= 1e-5, part


@pytest.mark.parametrize("form", SAVED)
@torch.no_grad()
def test_every_format_gives_the_outputs_of_transformers(form: str, tmp_path: Path) -> None:
    """The encoder serves as a discriminator, and with its head as a generator. What ELECTRA lacks is named."""
    model = bert()
    released = open_released(str(SAVED[form](model, tmp_path / "model")))
    assert released.networks.keys() == {"discriminator", "generator"}
    assert_same_states(released, model.bert)
    expected = model(input_ids=TOKENS, attention_mask=REAL.long(), token_type_ids=SEGMENTS).prediction_logits[REAL]
    logits = pair_of_one(released.networks["generator"]).generator_logits(TOKENS, SEGMENTS, REAL)[REAL]
    assert float((logits - expected).abs().max()) <= 1e-5
    (remark,) = released.remarks()
    assert "left out, because ELECTRA has no such parts:" in remark
    assert "pooler.dense" in remark and "cls.seq_relationship" in remark
    assert [network.has_head for network in released.networks.values()] == [False, True]


@pytest.mark.parametrize(
    ("name", "left_out"),
    [
        ("BertModel", "pooler.dense"),
        ("BertForMaskedLM", None),
        ("BertForNextSentencePrediction", "bert.pooler.dense, cls.seq_relationship"),
        ("BertForSequenceClassification", "bert.pooler.dense, classifier"),
        ("BertForTokenClassification", "classifier"),
        ("BertForQuestionAnswering", "qa_outputs"),
    ],
)
def test_models_with_other_heads(name: str, left_out: str | None, tmp_path: Path) -> None:
    model = bert(name)
    released = open_released(str(save(model, tmp_path / "model")))
    assert_same_states(released, getattr(model, "bert", model))
    assert released.networks.keys() == {"discriminator"} | ({"generator"} if name == "BertForMaskedLM" else set())
    remarks = [remark.rpartition(": ")[2] for remark in released.remarks()]
    assert remarks == ([left_out] if left_out else [])


def test_a_head_with_a_table_of_its_own_is_refused(tmp_path: Path) -> None:
    model = bert("BertForMaskedLM", tie_word_embeddings=False)
    with pytest.raises(UserError, match=r"cls\.predictions\.decoder\.weight is not the table of its word embeddings"):
        open_released(str(save(model, tmp_path / "model")))


def test_beside_an_electra_it_is_the_network_of_its_name(tmp_path: Path) -> None:
    save(bert(seed=1), tmp_path / "x-discriminator")
    save(bert("BertForMaskedLM", seed=2), tmp_path / "x-generator")
    networks = open_released(str(tmp_path / "x-discriminator")).networks
    assert {part: Path(network.origin).name for part, network in networks.items()} == {
        "discriminator": "x-discriminator",
        "generator": "x-generator",
    }


@pytest.fixture(scope="module")
def masked(corpus_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BertForMaskedLM with the vocabulary of the small corpus."""
    vocabulary = corpus_folder / "vocab.txt"
    entries = len(vocabulary.read_text(encoding="utf-8").splitlines())
    model = bert("BertForMaskedLM", entries=entries, max_position_embeddings=64)
    return save(model, tmp_path_factory.mktemp("models") / "bert", vocabulary)


@pytest.mark.parametrize("command", ["inspect", "evaluate", "export"])
def test_the_commands_take_a_bert(command: str, masked: Path, corpus_folder: Path, tmp_path: Path) -> None:
    arguments = {
        "inspect": [str(masked)],
        "evaluate": [str(masked), "--corpus", str(corpus_folder), "--rows", "4"],
        "export": [str(masked), "--out", str(tmp_path / "out")],
    }
    answer = CliRunner().invoke(app, [command, *arguments[command]])
    assert not answer.exit_code, answer.output
    expected = {"inspect": "hidden size", "evaluate": "pseudo-perplexity", "export": "largest difference"}
    assert expected[command] in answer.output
    if command == "export":
        assert_weights(open_released(str(tmp_path / "out")).networks["generator"], networks_of(masked)["generator"])


def networks_of(model: Path) -> dict[str, dict[str, torch.Tensor]]:
    return {part: network.weights for part, network in open_released(str(model)).networks.items()}


def test_preparation_takes_its_vocabulary_and_refuses_another_kind(masked: Path, tmp_path: Path) -> None:
    assert vocabulary_keys(str(masked), 0)["source"] == str(masked / "vocab.txt")
    other = Path(shutil.copytree(masked, tmp_path / "other"))
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps(config | {"model_type": "distilbert"}))
    with pytest.raises(UserError, match="model_type is distilbert: it has no token types"):
        vocabulary_keys(str(other), 0)


def test_what_becomes_of_its_generator(masked: Path) -> None:
    """It is as wide as the discriminator, so it is kept only if the recipe asks for it."""
    released = open_released(str(masked))
    tables, built = complete_recipe(released, read("adapt"), "adapt")
    assert built.generator is None and tables["model"]["generator"]["hidden"] == 4
    tables, kept = complete_recipe(released, read("adapt", ["initial.generator=keep"]), "adapt")
    assert kept.generator is released.networks["generator"] and tables["model"]["generator"]["hidden"] == 16
