"""PaddleNLP's folders: identical arrays, both kinds of config, and a pickle of arrays alone that old numpy reads."""

from __future__ import annotations

import json
import pickle
import pickletools
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from pretrain.export.folder import Order, export
from pretrain.export.paddle import pickled
from pretrain.released.lookup import open_released
from pretrain.released.shapes import TOWER_NAMES, TowerName
from tests.pretrain.paddle import GOLDEN
from tests.released import release

FIXTURES = {
    "ElectraDiscriminator": "pd_ckpt_electra_discriminator",
    "ErnieHealthDiscriminator": "pd_ckpt_ernie_health_total_v24_run_pretrain",
}


def arrays_of(folder: Path) -> dict[str, np.ndarray]:
    content = pickle.loads((folder / "model_state.pdparams").read_bytes())
    return {name: array for name, array in content.items() if isinstance(array, np.ndarray)}


@pytest.fixture
def words(tmp_path: Path) -> Path:
    """A vocabulary of the fixtures' 200 entries."""
    folder = tmp_path / "words"
    folder.mkdir()
    entries = ["[PAD]", "[CLS]", "[SEP]", "[MASK]", "[UNK]", *(f"w{number}" for number in range(195))]
    (folder / "vocab.txt").write_text("".join(f"{entry}\n" for entry in entries))
    return folder


@pytest.mark.parametrize("class_name", FIXTURES)
def test_paddles_own_arrays_come_back(words: Path, tmp_path: Path, class_name: str) -> None:
    """By the same names, in the same layout, with the heads of ERNIE-Health."""
    folder = Path(shutil.copytree(GOLDEN / FIXTURES[class_name], tmp_path / "model"))
    shutil.copyfile(words / "vocab.txt", folder / "vocab.txt")
    export(str(folder), tmp_path / "out", Order("paddle", "discriminator"))
    out, paddle_arrays = arrays_of(tmp_path / "out" / "discriminator"), arrays_of(folder)
    paddle_arrays = {
        name.removeprefix("discriminator."): array
        for name, array in paddle_arrays.items()
        if not name.startswith("generator.")
    }
    tied = "electra.embeddings.word_embeddings.weight"
    assert paddle_arrays.keys() | {tied} == out.keys()
    for name, array in paddle_arrays.items():
        assert out[name].dtype == np.float32
        assert np.array_equal(out[name], array), name
    config = json.loads((tmp_path / "out" / "discriminator" / "config.json").read_text())
    assert config["architectures"] == [class_name]
    assert len(config.get("id2label", ())) == (128 if "Health" in class_name else 0)
    legacy = json.loads((tmp_path / "out" / "discriminator" / "model_config.json").read_text())
    assert legacy["init_class"] == class_name and legacy["init_args"][0]["init_class"] == "ElectraModel"


@pytest.mark.parametrize("part", TOWER_NAMES)
def test_a_released_pair_is_identical_by_our_reader(corpus_folder: Path, tmp_path: Path, part: TowerName) -> None:
    release(tmp_path, corpus_folder / "vocab.txt")
    export(str(tmp_path / f"x-{part}"), tmp_path / "out", Order("paddle"))
    before = open_released(str(tmp_path / f"x-{part}")).networks[part]
    after = open_released(str(tmp_path / "out" / part)).networks[part]
    assert after.tower == before.tower
    assert after.weights.keys() == before.weights.keys()
    assert all(torch.equal(after.weights[name], tensor) for name, tensor in before.weights.items())


def test_an_encoder_that_was_cut(run: Path, tmp_path: Path) -> None:
    ((folder, _),) = export(str(run), tmp_path / "out", Order("paddle", layers=1))
    assert "embeddings.word_embeddings.weight" in arrays_of(folder)
    assert json.loads((folder / "config.json").read_text())["architectures"] == ["ElectraModel"]


def test_the_pickle_names_what_numpy_1_has_and_nothing_else() -> None:
    arrays = {
        "a": np.arange(6, dtype=np.float32).reshape(2, 3),
        "b": np.zeros(2, np.float32),
        "c": np.ones(1, np.float32),
    }
    content = b"".join(pickled(arrays))
    names = {
        argument for opcode, argument, _ in pickletools.genops(content) if opcode.name in ("GLOBAL", "STACK_GLOBAL")
    }
    assert names == {"numpy.core.multiarray _reconstruct", "numpy ndarray", "numpy dtype"}
    loaded = pickle.loads(content)
    assert loaded.keys() == arrays.keys()
    assert all(np.array_equal(loaded[name], array) for name, array in arrays.items())
