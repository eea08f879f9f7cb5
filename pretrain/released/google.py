"""Checkpoints of Google and HFL: both networks in one file, with the names of google-research/electra."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from configs.common.errors import UserError
from configs.common.files import read_json
from pretrain.released import tensorflow
from pretrain.released.names import from_huggingface
from pretrain.released.network import Network, Weights
from pretrain.released.shapes import TowerName

# A checkpoint holds a network if one of its variables begins with this name.
_ENCODERS: dict[TowerName, str] = {"generator": "generator/encoder/", "discriminator": "electra/encoder/"}


def read(path: Path) -> list[Network]:
    """Read the networks of a checkpoint. `path` is its name without `.index`, or the folder that holds it.

    HFL puts `discriminator.json` and `generator.json` beside the checkpoint, which state the number of heads.
    """
    checkpoint = tensorflow.newest(path) if path.is_dir() else path
    arrays = tensorflow.read(checkpoint)
    towers: list[TowerName] = [
        tower for tower, start in _ENCODERS.items() if any(name.startswith(start) for name in arrays)
    ]
    if not towers:
        raise UserError(
            f"{checkpoint}: holds no ELECTRA; its first variables are {', '.join(sorted(arrays)[:3])}; name another "
            "checkpoint"
        )
    return [
        Network(tower, tower_weights(arrays, tower), _config(checkpoint, tower), str(checkpoint)) for tower in towers
    ]


def tower_weights(arrays: dict[str, NDArray[Any]], tower: TowerName) -> Weights:
    """Return the weights of a network as `pair.load_tower` takes them. Google stores matrices as [in, out]."""
    has_own_embeddings = "generator/embeddings/word_embeddings" in arrays  # `untied_generator_embeddings`
    state: Weights = {}
    for name, array in arrays.items():
        if huggingface_name := _huggingface_name(name, tower, own_embeddings=has_own_embeddings):
            in_torch = array.T if name.endswith("kernel") else array
            state[huggingface_name] = torch.from_numpy(np.array(in_torch, order="C"))
    return from_huggingface(state, tower)


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
    renamed = name.replace("/", ".").replace("layer_", "layer.").replace("dense_1", "dense_prediction")
    renamed = renamed.replace("generator_predictions.output_bias", "generator_lm_head.bias")
    renamed = renamed.replace(".kernel", ".weight").replace(".gamma", ".weight").replace(".beta", ".bias")
    return renamed + ".weight" if renamed.endswith("_embeddings") else renamed


def _config(checkpoint: Path, tower: TowerName) -> dict[str, Any]:
    file = checkpoint.with_name(f"{tower}.json")
    config = read_json(file) if file.is_file() else {}
    if not isinstance(config, dict):
        raise UserError(f"{file}: holds no JSON object, so it is no config of a model; copy or download it again")
    return config
