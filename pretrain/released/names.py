"""The conversion of names of weights, from ours to Hugging Face's and back.

Letters: D hidden, E embedding, V vocabulary. We keep query, key and value in one [3 D, D] matrix, in this order.
"""

from __future__ import annotations

import re

import torch
from torch import Tensor

Weights = dict[str, Tensor]

_EMBEDDINGS = {
    "embeddings.word.weight": "electra.embeddings.word_embeddings.weight",
    "embeddings.position.weight": "electra.embeddings.position_embeddings.weight",
    "embeddings.token_type.weight": "electra.embeddings.token_type_embeddings.weight",
    "embeddings.norm.weight": "electra.embeddings.LayerNorm.weight",
    "embeddings.norm.bias": "electra.embeddings.LayerNorm.bias",
}
_LAYER = {
    "attention.output": "attention.output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "intermediate": "intermediate.dense",
    "output": "output.dense",
    "output_norm": "output.LayerNorm",
}
_HEADS = {
    "generator": {
        "objectives.mlm.dense": "generator_predictions.dense",
        "objectives.mlm.norm": "generator_predictions.LayerNorm",
        "objectives.mlm.bias": "generator_lm_head.bias",
    },
    "discriminator": {
        "objectives.rtd.dense": "discriminator_predictions.dense",
        "objectives.rtd.prediction": "discriminator_predictions.dense_prediction",
    },
}
_QKV = ("query", "key", "value")


def to_huggingface(weights: Weights, tower: str) -> Weights:
    """Convert weights of `pair.tower` to the state of transformers' class.

    The class is ElectraForPreTraining for "discriminator" and ElectraForMaskedLM for "generator".
    """
    state: Weights = {}
    for name, tensor in weights.items():
        if fused := _fused_matrix(name, tower):
            for part, third in zip(_QKV, tensor.chunk(3), strict=True):
                state[_attention_name(*fused, part)] = third.contiguous()
        elif huggingface_name := _huggingface_name(name, tower):
            state[huggingface_name] = tensor.contiguous()
    return state


def from_huggingface(state: Weights, tower: str) -> Weights:
    """Convert a model's state to weights as `pair.load_tower` takes them. This is the inverse of `to_huggingface`.

    If one of query, key and value is missing, or their shapes differ, their common matrix is left out.
    """
    weights: Weights = {}
    our_names = {_huggingface_name(name, tower): name for name in _possible_names(state, tower)}
    for name, tensor in state.items():
        query = re.fullmatch(r"electra\.encoder\.layer\.(\d+)\.attention\.self\.query\.(weight|bias)", name)
        if query:
            number, kind = query.groups()
            thirds = [state.get(_attention_name(number, kind, part)) for part in _QKV]
            if all(third is not None and third.shape == tensor.shape for third in thirds):
                weights[f"{tower}.layers.{number}.attention.qkv.{kind}"] = torch.cat(
                    [t for t in thirds if t is not None]
                )
        elif name in our_names:
            weights[our_names[name]] = tensor
    return weights


def left_out(state: Weights, tower: str, weights: Weights) -> tuple[str, ...]:
    """Return the modules of a state that `weights`, which `from_huggingface` made of it, does not hold.

    Buffers of whole numbers, such as the ids of positions, do not count.
    """
    unused = state.keys() - to_huggingface(weights, tower).keys()
    return tuple(sorted({name.rpartition(".")[0] or name for name in unused if state[name].is_floating_point()}))


def describe(name: str, tower: str) -> str:
    """Return the name of one of our weights in a released model, for messages about the file of the model."""
    if fused := _fused_matrix(name, tower):
        return f"{_attention_name(*fused, 'query')} with key and value of the same shape"
    return _huggingface_name(name, tower) or name


def _fused_matrix(name: str, tower: str) -> tuple[str, str] | None:
    """Return the layer's number and "weight" or "bias" for the matrix of query, key and value; None for other names."""
    match = re.fullmatch(rf"{tower}\.layers\.(\d+)\.attention\.qkv\.(weight|bias)", name)
    return (match[1], match[2]) if match else None


def _attention_name(layer: str, kind: str, part: str) -> str:
    return f"electra.encoder.layer.{layer}.attention.self.{part}.{kind}"


def _huggingface_name(name: str, tower: str) -> str | None:
    """Convert one of our names to Hugging Face's. None for the other tower's weights and for fused matrices."""
    if name in _EMBEDDINGS:
        return _EMBEDDINGS[name]
    if name in _HEADS[tower]:
        return _HEADS[tower][name]
    stem, _, kind = name.rpartition(".")
    if stem in _HEADS[tower]:
        return f"{_HEADS[tower][stem]}.{kind}"
    if stem == f"{tower}.projection":
        return f"electra.embeddings_project.{kind}"
    layer = re.fullmatch(rf"{tower}\.layers\.(\d+)\.(.+)", stem)
    if layer and layer.group(2) in _LAYER:
        return f"electra.encoder.layer.{layer.group(1)}.{_LAYER[layer.group(2)]}.{kind}"
    return None


def _possible_names(state: Weights, tower: str) -> list[str]:
    """List all our names that can occur for a model with these layers, without the fused matrices."""
    numbers = {match.group(1) for name in state if (match := re.match(r"electra\.encoder\.layer\.(\d+)\.", name))}
    stems = [f"{tower}.projection", *_HEADS[tower]]
    stems += [f"{tower}.layers.{number}.{part}" for number in numbers for part in _LAYER]
    return [*_EMBEDDINGS, "objectives.mlm.bias", *(f"{stem}.{kind}" for stem in stems for kind in ("weight", "bias"))]
