"""The folder of an export appears whole or not at all, and holds the networks that were asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from configs.common.errors import UserError
from configs.common.files import WRITING
from configs.load import load
from data_prep.shards import Corpus
from pretrain.export import folder as module
from pretrain.export.folder import Order, export
from pretrain.step.world import World
from pretrain.train import train
from tests.conftest import SMALL
from tests.released import release


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_model_alone_is_exported_alone(corpus_folder: Path, tmp_path: Path) -> None:
    release(tmp_path, corpus_folder / "vocab.txt", names=("a-discriminator", "b-generator"))
    export(str(tmp_path / "b-generator"), tmp_path / "out")
    assert names(tmp_path / "out") == ["generator"]
    with pytest.raises(UserError, match="holds no discriminator; give --part generator"):
        export(str(tmp_path / "b-generator"), tmp_path / "other", Order(part="discriminator"))
    assert not (tmp_path / "other").exists()


def test_a_folder_with_something_in_it_is_refused(run: Path, tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_text("")
    with pytest.raises(UserError, match="exists and is not empty"):
        export(str(run), tmp_path)
    assert names(tmp_path) == ["model.onnx"]


def test_what_is_not_proved_does_not_appear(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte that changes between writing and reading is noticed, and nothing is left."""
    from pretrain.export import huggingface

    def damaging(tensors: dict[str, torch.Tensor], path: Path, metadata: dict[str, str]) -> None:
        save_file(tensors, path, metadata)
        stored = load_file(path)
        stored["electra.encoder.layer.0.output.dense.bias"][3] += 1e-6
        save_file(stored, path, metadata)

    monkeypatch.setattr(huggingface, "save_file", damaging)
    with pytest.raises(UserError, match=r"layers\.0\.output\.bias read back differs from what was written"):
        export(str(run), tmp_path / "out", Order(part="discriminator"))
    assert not names(tmp_path)


def test_what_a_kill_left_is_overwritten(run: Path, tmp_path: Path) -> None:
    (tmp_path / f"{WRITING}out" / "discriminator").mkdir(parents=True)
    (tmp_path / f"{WRITING}out" / "left").write_text("")
    export(str(run), tmp_path / "out", Order(part="generator"))
    assert names(tmp_path) == ["out"]
    assert names(tmp_path / "out") == ["generator"]


def test_without_detection_there_is_no_discriminator(corpus: Corpus, world: World, tmp_path: Path) -> None:
    recipe = load("tiny", [*SMALL, "objectives={mlm={weight=1.0}}", "schedule.steps=4"])
    assert train(recipe, corpus, tmp_path / "run", world, "auto")
    for part in (None, "discriminator"):
        with pytest.raises(UserError, match="was trained without"):
            export(str(tmp_path / "run"), tmp_path / "out", Order(part=part))
    assert export(str(tmp_path / "run"), tmp_path / "out", Order(part="generator"))


def test_layers_are_of_the_discriminator(run: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--layers: cuts the discriminator"):
        export(str(run), tmp_path / "out", Order(part="generator", layers=1))
    assert module.PARTS == ("discriminator", "generator")
