"""A released model: one or both networks, with our names of weights, and the shape that their tensors have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from configs.common.errors import UserError
from pretrain.released.names import describe
from pretrain.released.shapes import TowerName, encoder_shapes, head_shapes, shape_of

Weights = dict[str, Tensor]

# The width of an attention head in every published ELECTRA, for a model whose config does not state it.
_HEAD_WIDTH = 64
# The keys of transformers' and PaddleNLP's configs whose values the tensors show as well, with our names.
_CONFIG_KEYS = {
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
    """One network, with the names of `ElectraPair.tower`, and the content of the config beside it."""

    part: TowerName
    weights: Weights
    config: dict[str, Any]
    origin: str
    left_out: tuple[str, ...] = ()  # the modules in the file that neither network of a pair has

    @cached_property
    def shape(self) -> dict[str, int]:
        """The shape as the tensors show it. Configs are not used, since some models have another model's config."""
        try:
            return shape_of(self.weights, self.part)
        except KeyError as error:
            raise UserError(
                f"{self.origin}: holds no {self.part} of an ELECTRA (it lacks the matrix "
                f"{describe(error.args[0], self.part)}); name an ELECTRA or a BERT"
            ) from None

    @property
    def tower(self) -> dict[str, int]:
        """The recipe's table for this network. The number of heads comes from the config, since no tensor shows it."""
        shape = self.shape
        heads = max(1, shape["hidden"] // _HEAD_WIDTH)
        # Some generators come with the config of another network, which does not state this network's heads.
        if self.config.get("hidden_size") == shape["hidden"]:
            heads = self._number("num_attention_heads", heads)
            if heads < 1 or shape["hidden"] % heads:
                raise UserError(
                    f"{self.origin}: its config has num_attention_heads = {heads}, which must divide hidden_size "
                    f"({shape['hidden']}); correct the config"
                )
        return {name: shape[name] for name in ("layers", "hidden", "intermediate")} | {"heads": int(heads)}

    @property
    def epsilon(self) -> float:
        return float(self._number("layer_norm_eps", _LAYER_NORM_EPSILON))

    @property
    def electra_config(self) -> dict[str, Any]:
        """The entries of transformers' ElectraConfig on which the outputs of the encoder depend."""
        shape = {key: self.shape[name] for key, name in _CONFIG_KEYS.items()}
        heads = self.tower["heads"]
        return shape | {"num_attention_heads": heads, "hidden_act": "gelu", "layer_norm_eps": self.epsilon}

    def contradictions(self) -> Iterator[str]:
        """Yield a sentence for each entry of the config that differs from the tensors. The tensors are right."""
        for key, name in _CONFIG_KEYS.items():
            if key in self.config and self.config[key] != self.shape[name]:
                yield f"{self.origin}: its config says {key} = {self.config[key]}, its tensors {self.shape[name]}"

    def check(self) -> None:
        """Raise UserError unless this is a whole encoder of finite numbers, with a whole head or without a head."""
        heads = head_shapes(self.shape, self.part)
        expected = encoder_shapes(self.shape, self.part) | (heads if heads.keys() & self.weights.keys() else {})
        for name, shape in expected.items():
            self._check_tensor(name, shape)
        assert self.tower and self.epsilon  # raises UserError for a config that cannot be used

    @property
    def has_head(self) -> bool:
        """Whether the network can predict or detect. `check` makes sure that no head is incomplete."""
        return head_shapes(self.shape, self.part).keys() <= self.weights.keys()

    def _check_tensor(self, name: str, shape: tuple[int, ...]) -> None:
        tensor, stored_name = self.weights.get(name), describe(name, self.part)
        if tensor is None:
            raise UserError(f"{self.origin}: lacks {stored_name}, so it is no whole {self.part}; copy the model again")
        if tuple(tensor.shape) != shape:
            raise UserError(
                f"{self.origin}: {stored_name} has the shape {list(tensor.shape)}, and the other tensors ask for "
                f"{list(shape)}; it is damaged, or neither an ELECTRA nor a BERT"
            )
        if not tensor.is_floating_point():
            raise UserError(
                f"{self.origin}: {stored_name} holds {str(tensor.dtype).removeprefix('torch.')}, and weights are "
                "floating-point numbers; name the model before it was quantized"
            )
        # Both ends are NaN if any value is, and a tensor of a gigabyte is read once, without a copy of booleans.
        if not torch.stack(tensor.aminmax()).isfinite().all():
            raise UserError(
                f"{self.origin}: {stored_name} holds values that are not finite (NaN or infinite), so the model is of "
                "no use; name another, or an earlier checkpoint"
            )

    def _number(self, key: str, default: float) -> Any:
        value = self.config.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise UserError(f"{self.origin}: its config has {key} = {value!r}, and a number is needed; correct it")
        return value


@dataclass(frozen=True)
class Released:
    """The released model that was found under a name or in a folder."""

    origin: str
    networks: Mapping[TowerName, Network]
    vocabulary: Path | None  # the folder of its tokenizer files, if it has any
    # Ids of vocabulary entries for which the file has no row. Their rows were made from the rows of their word pieces.
    entries_without_row: tuple[int, ...] = ()
    num_rows_without_entry: int = 0  # rows after the last entry of its vocabulary

    @property
    def main(self) -> Network:
        """The network whose vocabulary and embeddings count for both: the discriminator, if there is one."""
        return self.networks.get("discriminator") or self.networks["generator"]

    def remarks(self) -> Iterator[str]:
        """Yield sentences on facts about the files that a user should know."""
        # The two networks of a BERT have the same config.
        yield from dict.fromkeys(line for network in self.networks.values() for line in network.contradictions())
        for network in self.networks.values():
            if network.left_out:
                yield f"{network.origin}: left out, because ELECTRA has no such parts: {', '.join(network.left_out)}"
        if number := len(self.entries_without_row):
            yield (
                f"{self.origin}: its embeddings have no row for {number:,} entries of its vocabulary; these start as "
                "the mean of their word pieces"
            )
        if self.num_rows_without_entry:
            yield (
                f"{self.origin}: its embeddings have {self.num_rows_without_entry:,} rows more than its vocabulary has "
                "entries; no text reaches them"
            )
