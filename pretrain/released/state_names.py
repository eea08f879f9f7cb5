"""Conversion of the names under which training code stores tensors to transformers' names in models with a head."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from configs.common.errors import UserError

# Every ELECTRA and BERT has a tensor whose name ends so. The prefix before it names the modules around the encoder.
_WORDS = "embeddings.word_embeddings.weight"
_ENCODER = ("embeddings.", "embeddings_project.", "encoder.")
_HEADS = ("discriminator_predictions.", "generator_predictions.", "generator_lm_head.", "cls.")
# TensorFlow's names of a LayerNorm's weight and bias, which the first conversions to torch kept.
_LAYER_NORM = {".gamma": ".weight", ".beta": ".bias"}


def standard_names(tensors: Mapping[str, Tensor], origin: str) -> dict[str, Tensor]:
    """Rename the encoder's tensors to begin with `electra.`, and the heads' tensors to have no prefix.

    They may be wrapped in any modules: `module.electra.encoder.x`, `bert.encoder.x` and `encoder.x` all become
    `electra.encoder.x`. A tensor of another part keeps its name. Raises UserError when there are several
    encoders.
    """
    encoders = sorted({name.removesuffix(_WORDS) for name in tensors if name.endswith(_WORDS)})
    if len(encoders) > 1:
        raise UserError(
            f"{origin}: holds {len(encoders)} encoders ({', '.join(encoder or _WORDS for encoder in encoders)}); save "
            "the generator and the discriminator in a folder each"
        )
    encoder = encoders[0] if encoders else ""
    return {_standard_name(name, encoder): tensor for name, tensor in tensors.items()}


def _standard_name(name: str, encoder: str) -> str:
    """Rename one tensor. `encoder` is the prefix of the encoder's tensors, such as `module.electra.`."""
    for old, new in _LAYER_NORM.items():
        name = name.removesuffix(old) + new if name.endswith(old) else name
    # A head is wrapped in the same modules as the encoder.
    around = encoder.removesuffix(".").rpartition(".")[0]
    beside = name.removeprefix(f"{around}.") if around else name
    if beside.startswith(_HEADS):
        return beside
    inside = name.removeprefix(encoder)
    if name.startswith(encoder) and inside.startswith(_ENCODER):
        return f"electra.{inside}"
    return name
