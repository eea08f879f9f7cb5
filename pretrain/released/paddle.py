"""PaddleNLP's folders: `model_state.pdparams` (a pickle, of which only arrays are let through) or safetensors.

A file holds one network, or both under `generator.` and `discriminator.`. Matrices are stored [in, out].
"""

from __future__ import annotations

import io
import json
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import load_file

from configs.common.errors import UserError
from pretrain.released.names import from_huggingface, in_a_model
from pretrain.released.network import Network, Part, Weights

WEIGHTS = "model_state.pdparams"
_SAFETENSORS, _CONFIGS = "model.safetensors", ("config.json", "model_config.json")
# All that a pickled array of numpy needs, whichever release wrote it; the last is bytes in old protocols.
_ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("_codecs", "encode"),
}
# transformers' name of a module for each of PaddleNLP's
_MODULES = {
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
_OURS = {
    "discriminator_mts.weight": "objectives.mts.dense.weight",
    "discriminator_mts.bias": "objectives.mts.dense.bias",
    "bias_mts.weight": "objectives.mts.bias",
    "discriminator_csp.dense.weight": "objectives.csp.dense.weight",
    "discriminator_csp.dense.bias": "objectives.csp.dense.bias",
    "discriminator_csp.out_proj.weight": "objectives.csp.output.weight",
    "discriminator_csp.out_proj.bias": "objectives.csp.output.bias",
}
_PARTS: tuple[Part, ...] = ("generator", "discriminator")
Arrays = dict[str, NDArray[Any]]


def is_model(folder: Path) -> bool:
    """Also for safetensors, which transformers writes too: PaddleNLP's own names tell."""
    if (folder / WEIGHTS).is_file():
        return True
    file = folder / _SAFETENSORS
    if not file.is_file():
        return False
    with safe_open(file, framework="np") as tensors:
        return any(".self_attn." in name for name in tensors.keys())  # noqa: SIM118  it is no dictionary


def read(folder: Path) -> list[Network]:
    """The networks in the folder; raises UserError for a file with anything but arrays."""
    file = folder / WEIGHTS
    arrays = _unpickle(file) if file.is_file() else load_file(folder / _SAFETENSORS)
    parts: list[Part] = [part for part in _PARTS if any(name.startswith(f"{part}.") for name in arrays)]
    if parts:
        arrays = _with_tied_words(arrays) if len(parts) == 2 else arrays
    else:
        parts = ["generator" if any(name.startswith("generator_") for name in arrays) else "discriminator"]
        arrays = {f"{parts[0]}.{in_a_model(name)}": array for name, array in arrays.items()}
    config = _config(folder)
    # A config beside two networks is the discriminator's.
    return [
        Network(
            part,
            tower_weights(arrays, part),
            config if len(parts) == 1 or part == "discriminator" else {},
            str(folder),
        )
        for part in parts
    ]


def tower_weights(arrays: Arrays, part: str) -> Weights:
    """What `pair.load_tower` takes, from arrays by PaddleNLP's names under `generator.` and `discriminator.`."""
    theirs, ours = {}, {}
    for name, array in arrays.items():
        key = name.removeprefix(f"{part}.")
        if key == name:
            continue
        is_matrix = array.ndim == 2 and "embeddings." not in key and key != "bias_mts.weight"
        tensor = torch.from_numpy(np.array(array.T if is_matrix else array, order="C"))
        if key in _OURS:
            ours[_OURS[key]] = tensor.flatten() if key == "bias_mts.weight" else tensor
        else:
            theirs[_huggingface_name(key)] = tensor
    return from_huggingface(theirs, part) | ours


def _with_tied_words(arrays: Arrays) -> Arrays:
    words = "electra.embeddings.word_embeddings.weight"
    tied = {f"{part}.{words}" for part in _PARTS}
    missing = tied - arrays.keys()
    return arrays | {name: arrays[(tied - {name}).pop()] for name in missing}


def _huggingface_name(key: str) -> str:
    for theirs, ours in _MODULES.items():
        key = re.sub(rf"(?<!\w){re.escape(theirs)}(?!\w)", ours, key)
    return key


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it wants {module}.{name}, and a model is made of arrays alone")
        return super().find_class(module, name)


def _unpickle(file: Path) -> Arrays:
    try:
        content = _ArraysOnly(io.BytesIO(file.read_bytes())).load()
    except (pickle.UnpicklingError, EOFError, AttributeError, ImportError, IndexError, TypeError, ValueError) as error:
        raise UserError(f"{file}: is not a model that can be read safely ({error})") from None
    if not isinstance(content, dict):
        raise UserError(f"{file}: holds a {type(content).__name__}, and PaddleNLP writes names with arrays")
    return {name: array for name, array in content.items() if isinstance(array, np.ndarray) and array.dtype != object}


def _config(folder: Path) -> dict[str, Any]:
    """Of both layouts: flat, or of releases up to 2.5 nested under `init_args`."""
    for name in _CONFIGS:
        if (folder / name).is_file():
            try:
                config = json.loads((folder / name).read_text(encoding="utf-8"))
            except ValueError as error:
                raise UserError(f"{folder / name}: not valid JSON ({error})") from None
            nested = config.get("init_args")
            return nested[0] if isinstance(nested, list) and nested and isinstance(nested[0], dict) else config
    return {}
