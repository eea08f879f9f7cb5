"""A released model: one or both networks by our names, with the shape that their tensors have.

Letters: D hidden, E embedding, V vocabulary.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from configs.common.errors import UserError

Part = Literal["generator", "discriminator"]
Weights = dict[str, Tensor]

# The width of a head in every published ELECTRA, for a model whose config does not say.
_HEAD = 64
# transformers' and PaddleNLP's names of what tensors tell as well
_CONFIG = {
    "vocab_size": "vocabulary",
    "embedding_size": "embedding",
    "hidden_size": "hidden",
    "num_hidden_layers": "layers",
    "intermediate_size": "intermediate",
    "max_position_embeddings": "max_positions",
    "type_vocab_size": "token_types",
}
_LAYER_NORM_EPSILON = 1e-12


@dataclass(frozen=True)
class Network:
    """One network, by the names of `ElectraPair.tower`, and what the config beside it says."""

    part: Part
    weights: Weights
    config: dict[str, Any]
    origin: str

    @cached_property
    def shape(self) -> dict[str, int]:
        """What the tensors tell; raises UserError when they are no ELECTRA's."""
        try:
            vocabulary, embedding = self.weights["embeddings.word.weight"].shape
            hidden = self.weights[f"{self.part}.layers.0.attention.qkv.weight"].shape[1]
            return {
                "vocabulary": vocabulary,
                "embedding": embedding,
                "hidden": hidden,
                "layers": len({match[1] for name in self.weights if (match := _LAYER.match(name))}),
                "intermediate": self.weights[f"{self.part}.layers.0.intermediate.weight"].shape[0],
                "max_positions": self.weights["embeddings.position.weight"].shape[0],
                "token_types": self.weights["embeddings.token_type.weight"].shape[0],
            }
        except KeyError as error:
            raise UserError(f"{self.origin}: holds no {self.part} of an ELECTRA (it lacks {error})") from None

    @property
    def tower(self) -> dict[str, int]:
        """The recipe's table of this network. Heads leave no trace in the tensors."""
        shape = self.shape
        usual = max(1, shape["hidden"] // _HEAD)
        agrees = self.config.get("hidden_size") == shape["hidden"]
        heads = self.config.get("num_attention_heads", usual) if agrees else usual
        return {name: shape[name] for name in ("layers", "hidden", "intermediate")} | {"heads": heads}

    @property
    def epsilon(self) -> float:
        return float(self.config.get("layer_norm_eps", _LAYER_NORM_EPSILON))

    def contradictions(self) -> Iterator[str]:
        """Where the config says otherwise than the tensors, which are right."""
        for theirs, ours in _CONFIG.items():
            if theirs in self.config and self.config[theirs] != self.shape[ours]:
                yield f"{self.origin}: its config says {theirs} = {self.config[theirs]}, its tensors {self.shape[ours]}"


_LAYER = re.compile(r"\w+\.layers\.(\d+)\.")


@dataclass(frozen=True)
class Released:
    """What a name or a folder holds."""

    origin: str
    networks: dict[Part, Network]
    vocabulary: Path | None  # the folder of its tokenizer files, where it has them

    @property
    def main(self) -> Network:
        """The one that decides what both share."""
        return self.networks.get("discriminator") or self.networks["generator"]
