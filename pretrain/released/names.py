"""Our weights under Hugging Face's names, and back.

Letters: D hidden, E embedding, V vocabulary. Ours keep query, key and value in one [3 D, D] matrix, in this order.
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
    """The state of ElectraForPreTraining ("discriminator") or ElectraForMaskedLM ("generator") from `pair.tower`."""
    theirs: Weights = {}
    for name, tensor in weights.items():
        fused = re.fullmatch(rf"{tower}\.layers\.(\d+)\.attention\.qkv\.(weight|bias)", name)
        if fused:
            number, kind = fused.groups()
            for part, third in zip(_QKV, tensor.chunk(3), strict=True):
                theirs[f"electra.encoder.layer.{number}.attention.self.{part}.{kind}"] = third.contiguous()
        elif renamed := _rename(name, tower):
            theirs[renamed] = tensor.contiguous()
    return theirs


def from_huggingface(theirs: Weights, tower: str) -> Weights:
    """What `pair.load_tower` takes, from a model's state; the inverse of `to_huggingface`."""
    weights: Weights = {}
    back = {_rename(ours, tower): ours for ours in _our_names(theirs, tower)}
    for name, tensor in theirs.items():
        query = re.fullmatch(r"electra\.encoder\.layer\.(\d+)\.attention\.self\.query\.(weight|bias)", name)
        if query:
            number, kind = query.groups()
            thirds = [theirs[f"electra.encoder.layer.{number}.attention.self.{part}.{kind}"] for part in _QKV]
            weights[f"{tower}.layers.{number}.attention.qkv.{kind}"] = torch.cat(thirds)
        elif name in back:
            weights[back[name]] = tensor
    return weights


def in_a_model(name: str) -> str:
    """The backbone alone, which transformers and PaddleNLP store without its place, as it is in a model with a head."""
    return f"electra.{name}" if name.startswith(("embeddings.", "embeddings_project.", "encoder.")) else name


def _rename(name: str, tower: str) -> str | None:
    """Hugging Face's name for one of ours; None for the other tower's and for fused matrices."""
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


def _our_names(theirs: Weights, tower: str) -> list[str]:
    """Every name of ours that a model with this many layers can give, fused matrices apart."""
    numbers = {match.group(1) for name in theirs if (match := re.match(r"electra\.encoder\.layer\.(\d+)\.", name))}
    stems = [f"{tower}.projection", *_HEADS[tower]]
    stems += [f"{tower}.layers.{number}.{part}" for number in numbers for part in _LAYER]
    return [*_EMBEDDINGS, "objectives.mlm.bias", *(f"{stem}.{kind}" for stem in stems for kind in ("weight", "bias"))]
