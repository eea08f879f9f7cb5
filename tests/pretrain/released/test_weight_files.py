"""Tensors are read from every form of file, and a file that is not whole is refused in a sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from configs.common.errors import UserError
from pretrain.released.weight_files import read_tensors, read_weights, weight_file
from tests.released import RunsCode

TENSORS = {"a": torch.arange(3.0), "层.b": torch.ones(2, 2)}


def _assert_read(tensors: dict[str, torch.Tensor]) -> None:
    assert tensors.keys() == TENSORS.keys() and all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)


def test_safetensors_come_first(tmp_path: Path) -> None:
    assert weight_file(tmp_path) is None
    torch.save({"other": torch.zeros(1)}, tmp_path / "pytorch_model.bin")
    assert weight_file(tmp_path) == tmp_path / "pytorch_model.bin"
    save_file(TENSORS, tmp_path / "model.safetensors")
    _assert_read(read_weights(tmp_path))


@pytest.mark.parametrize(
    "content",
    [TENSORS, {"state_dict": TENSORS, "epoch": 3}, {"model": {"module": TENSORS}}],
    ids=["bare", "beside an epoch", "wrapped twice"],
)
def test_a_pickle_may_wrap_its_tensors(content: Any, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "x.bin")
    _assert_read(read_tensors(tmp_path / "x.bin"))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"epoch": 3, "step": 4}, "holds a table of epoch, step, and no tensors by name; save the model's state_dict"),
        ({}, "holds an empty table, and no tensors by name"),
        ([1], "holds list, and no tensors by name"),
        ({"a": RunsCode()}, "holds a Python object .* besides tensors, and reading it would run code"),
    ],
)
def test_a_pickle_without_tensors_is_refused(content: Any, sentence: str, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "x.bin")
    with pytest.raises(UserError, match=rf"x.bin: {sentence}"):
        read_tensors(tmp_path / "x.bin")


def _index(folder: Path, files: dict[str, str]) -> None:
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": files}), encoding="utf-8")


def test_shards_are_read_together(tmp_path: Path) -> None:
    for number, (name, tensor) in enumerate(TENSORS.items()):
        save_file({name: tensor}, tmp_path / f"{number}.safetensors")
    _index(tmp_path, {"a": "0.safetensors", "层.b": "1.safetensors"})
    _assert_read(read_weights(tmp_path))


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({}, "index.json: has no table weight_map"),
        ({"a": "1.safetensors"}, "names the file 1.safetensors, which is missing"),
        ({"a": "../0.safetensors"}, "names the file ../0.safetensors, which is missing"),
        ({"a": "0.safetensors", "c": "0.safetensors"}, "0.safetensors: lacks c, which model.safetensors.index.json"),
    ],
)
def test_a_faulty_index_is_refused(files: dict[str, str], sentence: str, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    for folder in (tmp_path, tmp_path / "model"):
        save_file(TENSORS, folder / "0.safetensors")
    _index(tmp_path / "model", files)
    with pytest.raises(UserError, match=sentence):
        read_weights(tmp_path / "model")
