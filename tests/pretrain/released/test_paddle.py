"""PaddleNLP's folders: both layouts of names and configs, and files that are refused."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from configs.common.errors import UserError
from pretrain.released.lookup import open_released
from pretrain.released.paddle import tower_weights
from tests.pretrain.paddle import Case
from tests.released import GOLDEN, RunsCode, assert_weights, golden_copy


@pytest.mark.parametrize(
    "name", ["pd_ckpt_ernie_health_total_v24_run_pretrain", "pd_ckpt_electra_discriminator_legacy24"]
)
def test_folders_of_paddlenlp(name: str) -> None:
    """Both layouts of the config; the generator's shape, of which no config tells, from its tensors."""
    case = Case("ernie_health" if "health" in name else "electra")
    networks = open_released(str(GOLDEN / name)).networks
    assert networks.keys() == ({"generator", "discriminator"} if case.complete else {"discriminator"})
    for part, network in networks.items():
        assert_weights(network, tower_weights(case.under("param"), part))
    assert networks["discriminator"].tower == {"layers": 2, "hidden": 32, "heads": 4, "intermediate": 64}
    if case.complete:
        assert networks["generator"].shape["hidden"] == 16


def test_safetensors_of_paddlenlp(tmp_path: Path) -> None:
    """As paddlenlp 2.8 writes them on request: the same names, the same matrices [in, out]."""
    folder = golden_copy("pd_ckpt_electra_discriminator", tmp_path)
    pickled = open_released(str(folder)).networks["discriminator"]
    arrays = pickle.loads((folder / "model_state.pdparams").read_bytes())
    (folder / "model_state.pdparams").unlink()
    arrays = {name: torch.from_numpy(array.copy()) for name, array in arrays.items() if isinstance(array, np.ndarray)}
    save_file(arrays, folder / "model.safetensors")
    assert_weights(open_released(str(folder)).networks["discriminator"], pickled.weights)


def spoil(folder: Path, how: str) -> None:
    state = folder / "model_state.pdparams"
    match how:
        case "runs code":
            state.write_bytes(pickle.dumps({"electra.embeddings": RunsCode()}))
        case "cut":
            state.write_bytes(state.read_bytes()[:-200])
        case "a list":
            state.write_bytes(pickle.dumps([1, 2]))
        case "another model":
            arrays = {"bert.encoder.weight": np.zeros((2, 2), np.float32)}
            state.write_bytes(pickle.dumps(arrays))
        case "config":
            (folder / "config.json").write_text("{")


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ("runs code", r"it wants builtins\.print, and a model is made of arrays alone"),
        ("cut", "is not a model that can be read safely"),
        ("a list", "holds a list, and PaddleNLP writes names with arrays"),
        ("another model", "holds no discriminator of an ELECTRA"),
        ("config", "not valid JSON"),
    ],
)
def test_files_of_paddlenlp_that_are_refused(tmp_path: Path, how: str, sentence: str, capsys: Any) -> None:
    folder = golden_copy("pd_ckpt_electra_discriminator", tmp_path)
    spoil(folder, how)
    with pytest.raises(UserError, match=sentence):
        open_released(str(folder))
    assert "code of the file was run" not in capsys.readouterr().out
