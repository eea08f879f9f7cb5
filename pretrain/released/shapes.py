"""The shape of a network, read from its tensors, and the shapes that its tensors must then have.

Letters: V vocabulary, E embedding, D hidden, F intermediate, N positions, T token types.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from torch import Tensor

TowerName = Literal["generator", "discriminator"]
TOWER_NAMES: tuple[TowerName, ...] = ("generator", "discriminator")
Shapes = dict[str, tuple[int, ...]]

_LAYER = re.compile(r"(?:generator|discriminator)\.layers\.(\d+)\.")
# Tensors that have a row, or a single number, for each entry of the vocabulary.
VOCABULARY_TABLES = ("embeddings.word.weight", "objectives.mlm.bias", "objectives.mts.bias")


def shape_of(weights: Mapping[str, Tensor], tower: TowerName) -> dict[str, int]:
    """Read the shape of a network from its tensors, with the names of a recipe's keys.

    Raises KeyError with the name of a tensor that is missing or is no matrix.
    """
    vocabulary, embedding = _matrix(weights, "embeddings.word.weight")
    return {
        "vocabulary": vocabulary,
        "embedding": embedding,
        "hidden": _matrix(weights, f"{tower}.layers.0.attention.qkv.weight")[1],
        "layers": len({match[1] for name in weights if (match := _LAYER.match(name))}),
        "intermediate": _matrix(weights, f"{tower}.layers.0.intermediate.weight")[0],
        "max_positions": _matrix(weights, "embeddings.position.weight")[0],
        "token_types": _matrix(weights, "embeddings.token_type.weight")[0],
    }


def _matrix(weights: Mapping[str, Tensor], name: str) -> tuple[int, int]:
    if name not in weights or weights[name].ndim != 2:
        raise KeyError(name)
    rows, columns = weights[name].shape
    return rows, columns


def encoder_shapes(shape: Mapping[str, int], tower: TowerName) -> Shapes:
    """Return the shapes of all tensors of the embeddings and layers, by the names of `ElectraPair.tower`."""
    embedding, hidden = shape["embedding"], shape["hidden"]
    shapes: Shapes = {
        "embeddings.word.weight": (shape["vocabulary"], embedding),
        "embeddings.position.weight": (shape["max_positions"], embedding),
        "embeddings.token_type.weight": (shape["token_types"], embedding),
        **_norm("embeddings.norm", embedding),
    }
    if embedding != hidden:
        shapes |= _linear(f"{tower}.projection", hidden, embedding)
    for number in range(shape["layers"]):
        layer = f"{tower}.layers.{number}"
        shapes |= _linear(f"{layer}.attention.qkv", 3 * hidden, hidden)
        shapes |= _linear(f"{layer}.attention.output", hidden, hidden) | _norm(f"{layer}.attention_norm", hidden)
        shapes |= _linear(f"{layer}.intermediate", shape["intermediate"], hidden)
        shapes |= _linear(f"{layer}.output", hidden, shape["intermediate"]) | _norm(f"{layer}.output_norm", hidden)
    return shapes


def head_shapes(shape: Mapping[str, int], tower: TowerName) -> Shapes:
    """Return the shapes of the tensors of the head that this kind of network is released with."""
    embedding, hidden = shape["embedding"], shape["hidden"]
    if tower == "discriminator":
        return _linear("objectives.rtd.dense", hidden, hidden) | _linear("objectives.rtd.prediction", 1, hidden)
    prediction = _linear("objectives.mlm.dense", embedding, hidden) | _norm("objectives.mlm.norm", embedding)
    return prediction | {"objectives.mlm.bias": (shape["vocabulary"],)}


def _linear(name: str, rows: int, columns: int) -> Shapes:
    return {f"{name}.weight": (rows, columns), f"{name}.bias": (rows,)}


def _norm(name: str, width: int) -> Shapes:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}
