"""ELECTRA as BERT: identical outputs where the shape allows it, and a reason where it does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from configs.common.errors import UserError
from pretrain.export import huggingface
from pretrain.export.folder import Order, export
from pretrain.released.lookup import open_released
from tests.released import TOWER, assert_weights, release

# As wide as the embeddings, which BERT needs.
SQUARE = {"layers": 2, "hidden": 16, "heads": 2, "intermediate": 32}
INPUTS = {
    "input_ids": torch.randint(1200, (3, 20), generator=torch.Generator().manual_seed(0)),
    "attention_mask": (torch.arange(20) < torch.tensor([[20], [12], [3]])).long(),
    "token_type_ids": (torch.arange(20) > 9).long().expand(3, -1),
}


@pytest.fixture
def models(corpus_folder: Path, tmp_path: Path) -> Path:
    """A pair whose networks are both as wide as the embeddings."""
    release(tmp_path, corpus_folder / "vocab.txt", discriminator=SQUARE, generator=SQUARE)
    return tmp_path


def loaded(model_class: Any, folder: Path, **options: Any) -> tuple[Any, dict[str, set[str]]]:
    """The model, and what was missing or left over."""
    model, report = model_class.from_pretrained(folder, output_loading_info=True, **options)
    assert not report["unexpected_keys"]
    return model.eval(), report


@torch.no_grad()
def test_the_encoder_and_the_generator_give_identical_outputs(models: Path) -> None:
    """To the last bit, by transformers on both sides; nothing is missing or left over."""
    export(str(models / "x-discriminator"), models / "bert", Order("bert"))
    electra = transformers.ElectraModel.from_pretrained(models / "x-discriminator").eval()
    bert, report = loaded(transformers.BertModel, models / "bert" / "discriminator", add_pooling_layer=False)
    assert not report["missing_keys"]
    assert torch.equal(bert(**INPUTS).last_hidden_state, electra(**INPUTS).last_hidden_state)
    electra = transformers.ElectraForMaskedLM.from_pretrained(models / "x-generator").eval()
    bert, report = loaded(transformers.BertForMaskedLM, models / "bert" / "generator")
    assert not report["missing_keys"]
    assert torch.equal(bert(**INPUTS).logits, electra(**INPUTS).logits)


@pytest.mark.parametrize("without_transformers", [False, True])
def test_it_is_read_back_with_the_same_tensors(
    without_transformers: bool, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both networks are identical to the bit, and so is every further export; only the head of detection is lost."""
    if without_transformers:
        monkeypatch.setattr(huggingface, "find_spec", lambda name: None)
    proofs = [proof for _, proof in export(str(models / "x-discriminator"), models / "bert", Order("bert"))]
    assert all(("read it back" in str(proof)) == without_transformers for proof in proofs)
    before, after = (open_released(str(models / name)).networks for name in ("x-discriminator", "bert"))
    assert_weights(after["generator"], before["generator"].weights)
    encoder = {name: t for name, t in before["discriminator"].weights.items() if not name.startswith("objectives.")}
    assert_weights(after["discriminator"], encoder)
    for form in ("bert", "huggingface", "tensorflow"):
        export(str(models / "bert"), models / form / "again", Order(form))
        again = open_released(str(models / form / "again")).networks
        for part, network in after.items():
            assert_weights(again[part], network.weights)


def test_it_is_the_backbone_of_a_classifier(models: Path) -> None:
    export(str(models / "x-discriminator"), models / "bert", Order("bert", "discriminator"))
    folder = models / "bert" / "discriminator"
    _, report = loaded(transformers.BertForSequenceClassification, folder)
    assert report["missing_keys"] == {
        "bert.pooler.dense.weight",
        "bert.pooler.dense.bias",
        "classifier.weight",
        "classifier.bias",
    }
    config = json.loads((folder / "config.json").read_text())
    assert config["model_type"] == "bert" and "embedding_size" not in config
    assert type(transformers.AutoTokenizer.from_pretrained(folder)).__name__.startswith("Bert")
    assert "never pooler_output" in " ".join((folder / "README.md").read_text().split())


def test_other_shapes_are_refused_with_the_reason(run: Path, corpus_folder: Path, tmp_path: Path) -> None:
    release(tmp_path, corpus_folder / "vocab.txt")
    assert TOWER["hidden"] == 32
    sentence = "the embeddings of the discriminator are 16 wide and its states 32, and BERT's are equal"
    with pytest.raises(UserError, match=sentence):
        export(str(tmp_path / "x-discriminator"), tmp_path / "bert", Order("bert"))
    with pytest.raises(UserError, match="the embeddings of the generator are 32 wide and its states 16"):
        export(str(run), tmp_path / "bert", Order("bert", "generator"))
    assert not (tmp_path / "bert").exists()


def test_a_generator_that_does_not_fit_is_left_out_aloud(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ((folder, _),) = export(str(run), tmp_path / "bert", Order("bert"))
    assert folder.name == "discriminator"
    assert "the generator is left out: the embeddings of the generator are 32 wide" in capsys.readouterr().err
