"""PaddleNLP's folders, with `model_state.pdparams` (a pickle, from which we load only arrays) or safetensors.

A file holds one network of ELECTRA, or both under `generator.` and `discriminator.`, or a BERT. Matrices are stored
[in, out].
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
from torch import Tensor

from configs.common.errors import UserError
from configs.common.files import read_json
from configs.common.model_kinds import refuse_other_models
from pretrain.released import bert
from pretrain.released.names import from_huggingface
from pretrain.released.network import Network, Weights
from pretrain.released.shapes import TOWER_NAMES, TowerName
from pretrain.released.weight_files import DAMAGED_PICKLE, SAFETENSORS, check_content, first_line, read_tensors

WEIGHTS = "model_state.pdparams"
_CONFIGS = ("config.json", "model_config.json")
# The objects that a pickled array of any release of numpy needs. Old protocols encode bytes with the last of them.
_ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("_codecs", "encode"),
}
# PaddleNLP's name of each module, and transformers' name of the same module.
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
# PaddleNLP's names of tensors that transformers does not have, and our names of them.
OBJECTIVE_TENSORS = {
    "discriminator_mts.weight": "objectives.mts.dense.weight",
    "discriminator_mts.bias": "objectives.mts.dense.bias",
    "bias_mts.weight": "objectives.mts.bias",
    "discriminator_csp.dense.weight": "objectives.csp.dense.weight",
    "discriminator_csp.dense.bias": "objectives.csp.dense.bias",
    "discriminator_csp.out_proj.weight": "objectives.csp.output.weight",
    "discriminator_csp.out_proj.bias": "objectives.csp.output.bias",
}
# The modules of BERT's head for masked words.
_BERT_MODULES = {
    "bert.": "electra.",
    "cls.predictions.transform.": "cls.predictions.transform.dense.",
    "cls.predictions.layer_norm.": "cls.predictions.transform.LayerNorm.",
    "cls.predictions.decoder_bias": "cls.predictions.bias",
    "cls.predictions.decoder_weight": "cls.predictions.decoder.weight",
}
# Tensors of two dimensions that are no matrices of a linear layer.
_TABLES = ("embeddings.", "bias_mts.", "decoder_weight")
Arrays = dict[str, NDArray[Any]]


def is_model(folder: Path) -> bool:
    """Whether a folder is PaddleNLP's.

    transformers writes safetensors too, so these files are recognised by PaddleNLP's names of tensors.
    """
    if (folder / WEIGHTS).is_file():
        return True
    try:
        with safe_open(folder / SAFETENSORS, framework="pt") as tensors:
            return any(".self_attn." in name for name in tensors.keys())  # noqa: SIM118  it is no dictionary
    except (SafetensorError, OSError):
        # The file is missing or damaged. Damage is reported by the reader of transformers' folders.
        return False


def read(folder: Path) -> list[Network]:
    """Read the networks in a folder. Raises UserError for a file with anything but arrays."""
    file = folder / WEIGHTS
    arrays = _unpickle(file) if file.is_file() else _from_safetensors(folder / SAFETENSORS)
    config = _config(folder)
    refuse_other_models(config, arrays, folder)
    if config.get("model_type") == "bert" or any(name.startswith(("bert.", "cls.")) for name in arrays):
        state = {_bert_name(name): _in_torch(name, array) for name, array in arrays.items()}
        return bert.networks(state, config, str(folder))
    towers: list[TowerName] = [tower for tower in TOWER_NAMES if any(name.startswith(f"{tower}.") for name in arrays)]
    if len(towers) == 2:
        arrays = _with_tied_words(arrays)
    elif not towers:
        towers = ["generator" if any(name.startswith("generator_") for name in arrays) else "discriminator"]
        arrays = {f"{towers[0]}.{_in_a_model(name)}": array for name, array in arrays.items()}
    # If a folder holds two networks, its config belongs to the discriminator.
    configs = {tower: config if len(towers) == 1 or tower == "discriminator" else {} for tower in towers}
    return [Network(tower, tower_weights(arrays, tower), configs[tower], str(folder)) for tower in towers]


def tower_weights(arrays: Arrays, tower: str) -> Weights:
    """Return weights as `pair.load_tower` takes them.

    `arrays` have PaddleNLP's names, with the prefix `generator.` or `discriminator.`.
    """
    state, only_ours = {}, {}
    for name, array in arrays.items():
        key = name.removeprefix(f"{tower}.")
        if key == name:
            continue
        tensor = _in_torch(key, array)
        if key in OBJECTIVE_TENSORS:
            only_ours[OBJECTIVE_TENSORS[key]] = tensor.flatten() if key == "bias_mts.weight" else tensor
        else:
            state[_huggingface_name(key)] = tensor
    return from_huggingface(state, tower) | only_ours


def _in_torch(name: str, array: NDArray[Any]) -> Tensor:
    is_matrix = array.ndim == 2 and not any(table in name for table in _TABLES)
    tensor = torch.from_numpy(np.array(array))  # a copy, because unpickled arrays are read-only
    return tensor.T.contiguous() if is_matrix else tensor


def _bert_name(name: str) -> str:
    """Convert the name of a tensor of PaddleNLP's BERT to transformers', with the encoder's prefix `electra.`."""
    for start, renamed in _BERT_MODULES.items():
        if name.startswith(start):
            name = renamed + name.removeprefix(start)
            break
    return _huggingface_name(_in_a_model(name))


def _in_a_model(name: str) -> str:
    """Add the prefix of the encoder, which PaddleNLP leaves out when it stores an encoder without a head."""
    return f"electra.{name}" if name.startswith(("embeddings.", "embeddings_project.", "encoder.")) else name


def _with_tied_words(arrays: Arrays) -> Arrays:
    """Give both networks their word embeddings, which PaddleNLP stores only once if the networks share them."""
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
    """Convert bfloat16, which numpy lacks, to float32. Paddle stores it as uint16, the upper half of a float32."""
    return (array.astype(np.uint32) << 16).view(np.float32) if array.dtype == np.uint16 else array


def _from_safetensors(file: Path) -> Arrays:
    tensors = read_tensors(file)
    # Tensors become float32 first, because numpy has no bfloat16.
    return {
        name: (tensor.float() if tensor.is_floating_point() else tensor).numpy() for name, tensor in tensors.items()
    }


def _config(folder: Path) -> dict[str, Any]:
    """Read the config, which is flat, or nested under `init_args` if a release up to 2.5 wrote it."""
    for file in (folder / name for name in _CONFIGS):
        if file.is_file():
            config = read_json(file)
            if not isinstance(config, dict):
                raise UserError(f"{file}: holds no JSON object, so it is no config of a model; copy it again")
            nested = config.get("init_args")
            return nested[0] if isinstance(nested, list) and nested and isinstance(nested[0], dict) else config
    return {}
