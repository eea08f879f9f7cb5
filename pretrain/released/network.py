"""A released model: one or both networks by our names, with the shape that their tensors have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from torch import Tensor

from configs.common.errors import UserError
from pretrain.released.names import describe
from pretrain.released.shapes import TowerName, encoder_shapes, head_shapes, shape_of

Weights = dict[str, Tensor]

# The width of a head in every published ELECTRA, for a model whose config does not say.
_HEAD_WIDTH = 64
# transformers' and PaddleNLP's keys for what the tensors tell as well
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
    """One network, by the names of `ElectraPair.tower`, and what the config beside it says."""

    part: TowerName
    weights: Weights
    config: dict[str, Any]
    origin: str

    @cached_property
    def shape(self) -> dict[str, int]:
        """From the tensors alone: configs of released models are sometimes those of other models."""
        try:
            return shape_of(self.weights, self.part)
        except KeyError as error:
            raise UserError(
                f"{self.origin}: holds no {self.part} of an ELECTRA (it lacks the matrix "
                f"{describe(error.args[0], self.part)}); name an ELECTRA model"
            ) from None

    @property
    def tower(self) -> dict[str, int]:
        """The recipe's table of this network. The number of heads is the config's, since no tensor tells it."""
        shape = self.shape
        heads = max(1, shape["hidden"] // _HEAD_WIDTH)
        # The config of another network, as some generators have it, says nothing of this one's heads.
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

    def contradictions(self) -> Iterator[str]:
        """Where the config differs from the tensors, which are right."""
        for key, name in _CONFIG_KEYS.items():
            if key in self.config and self.config[key] != self.shape[name]:
                yield f"{self.origin}: its config says {key} = {self.config[key]}, its tensors {self.shape[name]}"

    def check(self) -> None:
        """Raises UserError unless this is a whole encoder of finite numbers, with a whole head or none."""
        heads = head_shapes(self.shape, self.part)
        expected = encoder_shapes(self.shape, self.part) | (heads if heads.keys() & self.weights.keys() else {})
        for name, shape in expected.items():
            self._check_tensor(name, shape)
        assert self.tower and self.epsilon  # raises UserError for a config that cannot be used

    @property
    def has_head(self) -> bool:
        """Whether it can predict or detect. A head is there as a whole, or not at all, as `check` makes sure."""
        return head_shapes(self.shape, self.part).keys() <= self.weights.keys()

    def _check_tensor(self, name: str, shape: tuple[int, ...]) -> None:
        tensor, stored_name = self.weights.get(name), describe(name, self.part)
        if tensor is None:
            raise UserError(f"{self.origin}: lacks {stored_name}, so it is no whole {self.part}; copy the model again")
        if tuple(tensor.shape) != shape:
            raise UserError(
                f"{self.origin}: {stored_name} has the shape {list(tensor.shape)}, and the other tensors ask for "
                f"{list(shape)}; it is damaged, or no ELECTRA"
            )
        if not tensor.is_floating_point():
            raise UserError(
                f"{self.origin}: {stored_name} holds {str(tensor.dtype).removeprefix('torch.')}, and weights are "
                "floating-point numbers; name the model before it was quantized"
            )
        if not tensor.isfinite().all():
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
    """What a name or a folder holds."""

    origin: str
    networks: Mapping[TowerName, Network]
    vocabulary: Path | None  # the folder of its tokenizer files, where it has them
    # Entries of its vocabulary for which its file has no row; their rows were made from those of their pieces.
    entries_without_row: tuple[int, ...] = ()
    num_rows_without_entry: int = 0  # rows after the last entry of its vocabulary

    @property
    def main(self) -> Network:
        """The network that decides what both share."""
        return self.networks.get("discriminator") or self.networks["generator"]

    def remarks(self) -> Iterator[str]:
        """What a user should know about the files, as sentences."""
        for network in self.networks.values():
            yield from network.contradictions()
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
