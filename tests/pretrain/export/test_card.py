"""The model card: metadata that the hub's own classes read, and where the model comes from."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from huggingface_hub import ModelCard

from pretrain.export.checkpoints import Choice, choose
from pretrain.export.folder import Order, export
from tests.released import release


def card(folder: Path) -> str:
    """On one line, since lines are broken by length."""
    return " ".join((folder / "README.md").read_text(encoding="utf-8").split())


@pytest.mark.parametrize("part", ["discriminator", "generator"])
def test_the_metadata_is_valid(run: Path, tmp_path: Path, part: str) -> None:
    export(str(run), tmp_path / "out")
    data = ModelCard.load(tmp_path / "out" / part / "README.md").data.to_dict()
    expected = {"library_name": "transformers", "tags": ["electra"], "model_name": "tiny"}
    assert data == expected | ({"pipeline_tag": "fill-mask"} if part == "generator" else {})


def test_a_run_is_described(run: Path, tmp_path: Path) -> None:
    export(str(run), tmp_path / "out", Order(part="generator"))
    state = choose(run, Choice()).state
    text = card(tmp_path / "out" / "generator")
    facts = (
        state.recipe,
        state.corpus,
        "steps: 12,",
        "masked_accuracy",
        "[optimizer]",
        "topics.txt, licence: not stated",
    )
    for fact in (*facts, "the checkpoint at step 12", "After step 12", "tolerance"):
        assert fact in text


def test_positions_that_the_run_did_not_train_are_a_limit(run: Path, tmp_path: Path) -> None:
    ((folder, _),) = export(str(run), tmp_path / "out", Order(part="discriminator"))
    assert "- The run trained the first 64 of 512 positions." in card(folder)


def test_a_mean_says_of_what_and_that_it_was_not_scored(run: Path, tmp_path: Path) -> None:
    ((folder, _),) = export(str(run), tmp_path / "out", Order(part="discriminator", choice=Choice(average=2)))
    assert "the mean of the checkpoints at the steps 8, 12" in card(folder)
    assert "scores of that checkpoint alone" in card(folder)


def test_a_released_model_is_named_by_the_last_part_of_its_folder(corpus_folder: Path, tmp_path: Path) -> None:
    release(tmp_path, corpus_folder / "vocab.txt")
    export(str(tmp_path / "x-discriminator"), tmp_path / "out")
    text = card(tmp_path / "out" / "discriminator")
    assert "# x-discriminator: ELECTRA discriminator" in text
    assert "does not record how it was trained" in text
    assert str(tmp_path) not in text


def test_a_card_says_with_which_weights_a_run_began(run: Path, tmp_path: Path) -> None:
    provenance = json.loads((run / "provenance.json").read_text())
    copy = Path(shutil.copytree(run, tmp_path / "run"))
    first = provenance["starts"][0]
    first["init_from"] = {"model": "google/electra-small-discriminator"}
    first["continue_from"] = {"checkpoint": "/home/me/run/checkpoints/step-00000400", "step": 400}
    (copy / "provenance.json").write_text(json.dumps(provenance))
    export(str(copy), tmp_path / "out", Order(part="discriminator"))
    text = card(tmp_path / "out" / "discriminator")
    assert "- began with the weights of google/electra-small-discriminator" in text
    assert "- began with the weights and moments of an earlier run after its step 400" in text
    assert "/home/me" not in text
    assert "steps: 12, rows of 64 tokens: 96" in text
