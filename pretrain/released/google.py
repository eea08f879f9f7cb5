"""Checkpoints of Google and HFL, with the names of google-research/electra or of google-research/bert.

A checkpoint of ELECTRA holds both networks.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from configs.common.errors import UserError
from configs.common.files import read_json
from configs.common.model_kinds import refuse_other_models
from pretrain.released import bert, tensorflow
from pretrain.released.names import from_huggingface
from pretrain.released.network import Network, Weights
from pretrain.released.shapes import TowerName
from pretrain.released.state_names import standard_names

# A checkpoint holds a network if one of its variables begins with this name.
_ENCODERS: dict[TowerName, str] = {"generator": "generator/encoder/", "discriminator": "electra/encoder/"}
_BERT = "bert/encoder/"


def read(path: Path) -> list[Network]:
    """Read the networks of a checkpoint. `path` is its name without `.index`, or the folder that holds it.

    HFL puts `discriminator.json` and `generator.json` beside the checkpoint, which state the number of heads. Beside a
    BERT lies `bert_config.json`.
    """
    checkpoint = tensorflow.newest(path) if path.is_dir() else path
    arrays, origin = tensorflow.read(checkpoint), str(checkpoint)
    towers: list[TowerName] = [
        tower for tower, start in _ENCODERS.items() if any(name.startswith(start) for name in arrays)
    ]
    if any(name.startswith(_BERT) for name in arrays):
        state = standard_names({_torch_name(name): _in_torch(name, array) for name, array in arrays.items()}, origin)
        return bert.networks(state, _config(checkpoint, "bert_config"), origin)
    if not towers:
        raise UserError(
            f"{checkpoint}: holds neither an ELECTRA nor a BERT; its first variables are "
            f"{', '.join(sorted(arrays)[:3])}; name another checkpoint"
        )
    return [Network(tower, tower_weights(arrays, tower), _config(checkpoint, tower), origin) for tower in towers]


def tower_weights(arrays: dict[str, NDArray[Any]], tower: TowerName) -> Weights:
    """Return the weights of a network as `pair.load_tower` takes them. Google stores matrices as [in, out]."""
    has_own_embeddings = "generator/embeddings/word_embeddings" in arrays  # `untied_generator_embeddings`
    state: Weights = {}
    for name, array in arrays.items():
        if huggingface_name := _huggingface_name(name, tower, own_embeddings=has_own_embeddings):
            state[huggingface_name] = _in_torch(name, array)
    return from_huggingface(state, tower)


def _in_torch(name: str, array: NDArray[Any]) -> Tensor:
    return torch.from_numpy(np.array(array.T if name.endswith("kernel") else array, order="C"))


def _huggingface_name(name: str, tower: TowerName, *, own_embeddings: bool) -> str | None:
    """Convert the name of a variable to Hugging Face's. It is None for a variable of the other network.

    Both networks share the embeddings, unless the generator has its own (`own_embeddings`).
    """
    in_embeddings = name.startswith("electra/embeddings/")
    if tower == "generator" and not (in_embeddings and not own_embeddings):
        if not name.startswith(("generator/", "generator_predictions/")):
            return None
        name = name.replace("generator/", "electra/", 1)
    elif tower == "discriminator" and not name.startswith(("electra/", "discriminator_predictions/")):
        return None
    return _torch_name(name)


def _torch_name(name: str) -> str:
    renamed = name.replace("/", ".").replace("layer_", "layer.").replace("dense_1", "dense_prediction")
    renamed = renamed.replace("generator_predictions.output_bias", "generator_lm_head.bias")
    renamed = renamed.replace("cls.predictions.output_bias", "cls.predictions.bias")
    renamed = renamed.replace(".kernel", ".weight").replace(".gamma", ".weight").replace(".beta", ".bias")
    return renamed + ".weight" if renamed.endswith("_embeddings") else renamed


def _config(checkpoint: Path, name: str) -> dict[str, Any]:
    file = checkpoint.with_name(f"{name}.json")
    config = read_json(file) if file.is_file() else {}
    if not isinstance(config, dict):
        raise UserError(f"{file}: holds no JSON object, so it is no config of a model; copy or download it again")
    refuse_other_models(config, (), file)
    return config
