"""PaddleNLP's folders: `model_state.pdparams` (a pickle, of which only arrays are let through) or safetensors.

A file holds one network, or both under `generator.` and `discriminator.`. Matrices are stored [in, out].
"""

from __future__ import annotations

import io
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from configs.common.errors import UserError
from configs.common.files import read_json
from pretrain.released.names import from_huggingface
from pretrain.released.network import Network, Weights
from pretrain.released.shapes import TOWER_NAMES, TowerName
from pretrain.released.weight_files import DAMAGED_PICKLE, SAFETENSORS, check_content, first_line, read_tensors

WEIGHTS = "model_state.pdparams"
_CONFIGS = ("config.json", "model_config.json")
# All that a pickled array of numpy needs, whichever release wrote it; the last is bytes in old protocols.
_ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("_codecs", "encode"),
}
# transformers' name of a module for each of PaddleNLP's
HUGGINGFACE_MODULES = {
    "embeddings.layer_norm": "embeddings.LayerNorm",
    "encoder.layers": "encoder.layer",
    "self_attn.q_proj": "attention.self.query",
    "self_attn.k_proj": "attention.self.key",
    "self_attn.v_proj": "attention.self.value",
    "self_attn.out_proj": "attention.output.dense",
    "norm1": "attention.output.LayerNorm",
    "norm2": "output.LayerNorm",
    "linear1": "intermediate.dense",
    "linear2": "output.dense",
    "generator_predictions.layer_norm": "generator_predictions.LayerNorm",
    "generator_lm_head_bias": "generator_lm_head.bias",
    "discriminator_rtd": "discriminator_predictions",
}
# what transformers does not have, by our names
OBJECTIVE_TENSORS = {
    "discriminator_mts.weight": "objectives.mts.dense.weight",
    "discriminator_mts.bias": "objectives.mts.dense.bias",
    "bias_mts.weight": "objectives.mts.bias",
    "discriminator_csp.dense.weight": "objectives.csp.dense.weight",
    "discriminator_csp.dense.bias": "objectives.csp.dense.bias",
    "discriminator_csp.out_proj.weight": "objectives.csp.output.weight",
    "discriminator_csp.out_proj.bias": "objectives.csp.output.bias",
}
Arrays = dict[str, NDArray[Any]]


def is_model(folder: Path) -> bool:
    """Also for safetensors, which transformers writes too: PaddleNLP's own names tell."""
    if (folder / WEIGHTS).is_file():
        return True
    try:
        with safe_open(folder / SAFETENSORS, framework="pt") as tensors:
            return any(".self_attn." in name for name in tensors.keys())  # noqa: SIM118  it is no dictionary
    except (SafetensorError, OSError):  # none, or damaged, which is said by the reader of transformers' folders
        return False


def read(folder: Path) -> list[Network]:
    """The networks in the folder; raises UserError for a file with anything but arrays."""
    file = folder / WEIGHTS
    arrays = _unpickle(file) if file.is_file() else _from_safetensors(folder / SAFETENSORS)
    towers: list[TowerName] = [tower for tower in TOWER_NAMES if any(name.startswith(f"{tower}.") for name in arrays)]
    if len(towers) == 2:
        arrays = _with_tied_words(arrays)
    elif not towers:
        towers = ["generator" if any(name.startswith("generator_") for name in arrays) else "discriminator"]
        arrays = {f"{towers[0]}.{_in_a_model(name)}": array for name, array in arrays.items()}
    config = _config(folder)
    # A config beside two networks is the discriminator's.
    configs = {tower: config if len(towers) == 1 or tower == "discriminator" else {} for tower in towers}
    return [Network(tower, tower_weights(arrays, tower), configs[tower], str(folder)) for tower in towers]


def tower_weights(arrays: Arrays, tower: str) -> Weights:
    """What `pair.load_tower` takes, from arrays by PaddleNLP's names under `generator.` and `discriminator.`."""
    state, only_ours = {}, {}
    for name, array in arrays.items():
        key = name.removeprefix(f"{tower}.")
        if key == name:
            continue
        is_matrix = array.ndim == 2 and "embeddings." not in key and key != "bias_mts.weight"
        tensor = torch.from_numpy(np.array(array.T if is_matrix else array, order="C"))
        if key in OBJECTIVE_TENSORS:
            only_ours[OBJECTIVE_TENSORS[key]] = tensor.flatten() if key == "bias_mts.weight" else tensor
        else:
            state[_huggingface_name(key)] = tensor
    return from_huggingface(state, tower) | only_ours


def _in_a_model(name: str) -> str:
    """The encoder alone is stored without the name that it has in a model with a head."""
    return f"electra.{name}" if name.startswith(("embeddings.", "embeddings_project.", "encoder.")) else name


def _with_tied_words(arrays: Arrays) -> Arrays:
    """PaddleNLP stores the word embeddings of a pair once where both networks share them."""
    names = [f"{tower}.electra.embeddings.word_embeddings.weight" for tower in TOWER_NAMES]
    stored = next((arrays[name] for name in names if name in arrays), None)
    return arrays if stored is None else dict.fromkeys(names, stored) | arrays


def _huggingface_name(key: str) -> str:
    for paddle_module, huggingface_module in HUGGINGFACE_MODULES.items():
        key = re.sub(rf"(?<!\w){re.escape(paddle_module)}(?!\w)", huggingface_module, key)
    return key


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it wants {module}.{name}, and a model is made of arrays alone")
        return super().find_class(module, name)


def _unpickle(file: Path) -> Arrays:
    check_content(file)
    try:
        content = _ArraysOnly(io.BytesIO(file.read_bytes())).load()
    except DAMAGED_PICKLE as error:
        raise UserError(
            f"{file}: is not a model that can be read safely ({first_line(error)}); it is damaged, or no model of "
            "PaddleNLP"
        ) from None
    if not isinstance(content, dict):
        raise UserError(f"{file}: holds a {type(content).__name__}, and PaddleNLP writes names with arrays")
    arrays = {str(name): array for name, array in content.items() if isinstance(array, np.ndarray)}
    return {name: _widened(array) for name, array in arrays.items() if array.dtype != object}


def _widened(array: NDArray[Any]) -> NDArray[Any]:
    """Paddle stores bfloat16, which numpy lacks, as uint16: the upper half of a float32."""
    return (array.astype(np.uint32) << 16).view(np.float32) if array.dtype == np.uint16 else array


def _from_safetensors(file: Path) -> Arrays:
    tensors = read_tensors(file)
    # numpy has no bfloat16.
    return {
        name: (tensor.float() if tensor.is_floating_point() else tensor).numpy() for name, tensor in tensors.items()
    }


def _config(folder: Path) -> dict[str, Any]:
    """Of both layouts: flat, or of releases up to 2.5 nested under `init_args`."""
    for file in (folder / name for name in _CONFIGS):
        if file.is_file():
            config = read_json(file)
            if not isinstance(config, dict):
                raise UserError(f"{file}: holds no JSON object, so it is no config of a model; copy it again")
            nested = config.get("init_args")
            return nested[0] if isinstance(nested, list) and nested and isinstance(nested[0], dict) else config
    return {}
