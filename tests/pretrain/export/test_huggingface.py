"""Folders for transformers: loaded whole, of every kind of source, with nothing in them that should not be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import transformers

from data_prep import vocabulary
from data_prep.shards import Corpus
from pretrain.export.checkpoints import Choice
from pretrain.export.config import ARCHITECTURES, config_of
from pretrain.export.folder import Order, export
from pretrain.export.source import open_source
from tests.conftest import documents
from tests.released import TOWER, release

FILES = ["README.md", "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "vocab.txt"]


@pytest.fixture(scope="module")
def models(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("exports") / "models"
    proved = export(str(run), out)
    assert [folder for folder, _ in proved] == [out / "discriminator", out / "generator"]
    assert all(proof.difference < 1e-5 for _, proof in proved)
    return out


@pytest.mark.parametrize("part", ARCHITECTURES)
def test_transformers_loads_every_tensor_of_a_run(run: Path, models: Path, part: str) -> None:
    model_class = getattr(transformers, ARCHITECTURES[part])
    _, report = model_class.from_pretrained(models / part, output_loading_info=True)
    assert not any(report[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    assert sorted(path.name for path in (models / part).iterdir()) == FILES
    config = json.loads((models / part / "config.json").read_text())
    assert config["architectures"] == [ARCHITECTURES[part]]
    assert config["hidden_dropout_prob"] == 0.0  # the recipe's


def test_no_bar_of_transformers_is_drawn(run: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    transformers.utils.logging.enable_progress_bar()
    export(str(run), tmp_path / "out", Order(part="discriminator"))
    assert "Loading weights" not in capfd.readouterr().err


def test_no_file_names_a_folder_of_the_machine(run: Path, corpus: Corpus, models: Path) -> None:
    for path in models.rglob("*"):
        if path.is_file():
            assert str(run.parent).encode() not in path.read_bytes(), path
            assert str(corpus.folder.parent).encode() not in path.read_bytes(), path


@pytest.mark.parametrize("part", ARCHITECTURES)
def test_the_tokenizer_is_that_of_the_corpus(corpus: Corpus, models: Path, part: str) -> None:
    exported_tokenizer, corpus_tokenizer = (
        transformers.AutoTokenizer.from_pretrained(models / part),
        vocabulary.load(corpus.folder),
    )
    for text in documents(5):
        assert exported_tokenizer(text)["input_ids"] == corpus_tokenizer.encode(text).ids
    assert exported_tokenizer.mask_token_id == corpus.special.mask
    assert exported_tokenizer("a", "b")["token_type_ids"] == [0, 0, 0, 1, 1]


def test_an_encoder_that_was_cut(run: Path, tmp_path: Path) -> None:
    ((folder, proof),) = export(str(run), tmp_path / "out", Order(layers=1))
    assert "hidden states by transformers" in str(proof)
    model, report = transformers.AutoModel.from_pretrained(folder, output_loading_info=True)
    assert type(model).__name__ == "ElectraModel"
    assert not report["missing_keys"] and not report["unexpected_keys"]
    assert model.config.num_hidden_layers == 1
    assert "cut after layer 1 of 2" in " ".join((folder / "README.md").read_text().split())


def test_a_config_of_a_released_model_is_kept(corpus_folder: Path, tmp_path: Path) -> None:
    """Except where its tensors tell otherwise."""
    release(tmp_path, corpus_folder / "vocab.txt")
    stored = tmp_path / "x-discriminator" / "config.json"
    changes = {"hidden_dropout_prob": 0.25, "layer_norm_eps": 1e-5, "num_hidden_layers": 7}
    stored.write_text(json.dumps(json.loads(stored.read_text()) | changes))
    network = open_source(str(tmp_path / "x-discriminator"), Choice()).networks["discriminator"]
    config = config_of(network, pad_id=3)
    assert config["hidden_dropout_prob"] == 0.25
    assert config["layer_norm_eps"] == 1e-5
    assert config["num_hidden_layers"] == TOWER["layers"]
    assert config["pad_token_id"] == 3
