"""Google's and HFL's checkpoints: both networks in one file, by the names of google-research/electra."""

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
from pretrain.released.network import Network, Part, Weights

# Marks of a network among the names.
_HEADS: dict[Part, str] = {"generator": "generator/encoder/", "discriminator": "electra/encoder/"}


def read(path: Path) -> list[Network]:
    """The networks of a checkpoint, named without `.index`, or of the one in a folder.

    The shapes of heads are in HFL's `discriminator.json` and `generator.json`, where these are beside it.
    """
    checkpoint = tensorflow.newest(path) if path.is_dir() else path
    arrays = tensorflow.read(checkpoint)
    found: list[Part] = [part for part, mark in _HEADS.items() if any(name.startswith(mark) for name in arrays)]
    if not found:
        raise UserError(f"{checkpoint}: holds no ELECTRA; it has {', '.join(sorted(arrays)[:3])} and more")
    return [Network(part, tower_weights(arrays, part), _config(checkpoint, part), str(checkpoint)) for part in found]


def tower_weights(arrays: dict[str, NDArray[Any]], part: Part) -> Weights:
    """What `pair.load_tower` takes; matrices are stored [in, out]."""
    own = "generator/embeddings/word_embeddings" in arrays  # `untied_generator_embeddings`
    theirs: Weights = {}
    for name, array in arrays.items():
        if renamed := _huggingface_name(name, part, own_embeddings=own):
            theirs[renamed] = torch.from_numpy(np.array(array.T if name.endswith("kernel") else array, order="C"))
    return from_huggingface(theirs, part)


def _huggingface_name(name: str, part: Part, *, own_embeddings: bool) -> str | None:
    """None for what is the other network's. They share their embeddings, unless the generator has its own."""
    embeddings = name.startswith("electra/embeddings/")
    if part == "generator" and not (embeddings and not own_embeddings):
        if not name.startswith(("generator/", "generator_predictions/")):
            return None
        name = name.replace("generator/", "electra/", 1)
    elif part == "discriminator" and not name.startswith(("electra/", "discriminator_predictions/")):
        return None
    renamed = name.replace("/", ".").replace("layer_", "layer.").replace("dense_1", "dense_prediction")
    renamed = renamed.replace("generator_predictions.output_bias", "generator_lm_head.bias")
    renamed = renamed.replace(".kernel", ".weight").replace(".gamma", ".weight").replace(".beta", ".bias")
    return renamed + ".weight" if renamed.endswith("_embeddings") else renamed


def _config(checkpoint: Path, part: Part) -> dict[str, Any]:
    file = checkpoint.with_name(f"{part}.json")
    return read_json(file) if file.is_file() else {}
