"""The source of an export: one or two networks, pairs that compute them, their tokenizer, and how they were trained.

Letters: B rows, L row length, D hidden, V vocabulary.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from configs.common.errors import UserError
from configs.folders import CHECKPOINTS, RECIPE
from configs.load import from_tables, load, read
from configs.recipe import Recipe
from pretrain.export.checkpoints import Choice, Chosen, choose
from pretrain.export.config import stated
from pretrain.model.pair import ElectraPair
from pretrain.released.lookup import open_released
from pretrain.released.network import Network, TowerName
from pretrain.run import checkpoint

PARTS: tuple[TowerName, ...] = ("discriminator", "generator")
_LAYER = re.compile(r"discriminator\.layers\.(\d+)\.")


@dataclass(frozen=True)
class Training:
    """How a run trained the weights: its recipe, and the checkpoints that were chosen."""

    recipe: Recipe
    chosen: Chosen


@dataclass(frozen=True)
class Source:
    """A model, open for export."""

    name: str  # as the user gave it
    networks: Mapping[TowerName, Network]
    pairs: Mapping[TowerName, ElectraPair]  # a pair that computes each network, on the CPU in evaluation mode
    tokenizer: Path  # the folder of its files
    training: Training | None = None  # None if the model is not from a run
    layers_before: int | None = None  # the number of layers of a discriminator before it was cut

    @torch.no_grad()
    def outputs(self, part: TowerName, tokens: Tensor, segments: Tensor, real: Tensor, *, states: bool) -> Tensor:
        """Compute the outputs of a network for inputs of [B, L] each.

        They are hidden states [B, L, D] if `states` is true. Otherwise they are logits: [B, L] of a discriminator and
        [B, L, V] of a generator.
        """
        kind = "states" if states else "logits"
        return getattr(self.pairs[part], f"{part}_{kind}")(tokens, segments, real)


def open_source(name: str, choice: Choice, layers: int | None = None) -> Source:
    """Open a run, one of its checkpoints, an export, or anything else that `--init-from` takes.

    With `layers`, the discriminator keeps only this number of layers and has no head. Raises UserError when there is no
    such model or checkpoint.
    """
    path = Path(name)
    if checkpoint.is_checkpoint(path) or (path / CHECKPOINTS).is_dir() or (path / RECIPE).is_file():
        source = _trained(name, choose(path, choice))
    elif choice != Choice():
        raise UserError(
            f"{name}: is no run, so it has no checkpoints for --checkpoint, --metric, --average or --weights"
        )
    else:
        source = _released(name)
    return _cut(source, layers) if layers else source


def _trained(name: str, chosen: Chosen) -> Source:
    recipe = load(str(chosen.folders[-1] / RECIPE))
    pair = _pair(recipe, chosen.weights(), complete=True)
    parts: list[TowerName] = [part for part in PARTS if part == "generator" or pair.detection]
    networks: dict[TowerName, Network] = {
        part: Network(part, pair.tower(part), stated(recipe, part), name) for part in parts
    }
    return Source(name, networks, dict.fromkeys(parts, pair), chosen.run, Training(recipe, chosen))


def _released(name: str) -> Source:
    released = open_released(name)
    if released.vocabulary is None:
        raise UserError(f"{name}: neither tokenizer.json nor vocab.txt lies beside it, and every format holds them")
    pairs: dict[TowerName, ElectraPair] = {part: pair_of_one(network) for part, network in released.networks.items()}
    return Source(name, released.networks, pairs, released.vocabulary)


def _pair(recipe: Recipe, weights: Mapping[str, Tensor], *, complete: bool = False) -> ElectraPair:
    """Make a pair that uses these tensors without copying them. Parameters that are missing must never be computed."""
    with torch.device("meta"):
        pair = ElectraPair(recipe)
    keys = pair.load_state_dict(weights, strict=False, assign=True)
    assert not keys.unexpected_keys, f"no such weights: {keys.unexpected_keys}"
    assert not (complete and keys.missing_keys), f"missing weights: {keys.missing_keys}"
    return pair.eval()


def pair_of_one(network: Network) -> ElectraPair:
    """Make a pair of this network and another network that is as small as possible."""
    shape, other = network.shape, {"layers": 1, "hidden": 1, "heads": 1, "intermediate": 1}
    tables: dict[str, Any] = read("small")
    tables["data"]["row_length"] = 8  # the shortest length allowed; no rows are read for this pair
    tables["vocabulary"]["size"] = shape["vocabulary"]
    tables["model"] |= {name: shape[name] for name in ("embedding", "max_positions", "token_types")}
    tables["model"] |= {"generator": other, "discriminator": other} | {network.part: network.tower}
    tables["model"] |= {"layer_norm_epsilon": network.epsilon, "shared_embeddings": "all"}
    heads = ("rtd",) if network.part == "discriminator" and network.has_head else ()
    tables["objectives"] = {name: {"weight": 1.0} for name in ("mlm", *heads)}
    head = "objectives.rtd." if network.part == "discriminator" else "objectives.mlm."
    kept = (head, "embeddings.", f"{network.part}.")
    weights = {name: tensor for name, tensor in network.weights.items() if name.startswith(kept)}
    return _pair(from_tables(tables, network.origin), weights)


def without_heads(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights of the encoder alone."""
    return {name: tensor for name, tensor in weights.items() if not name.startswith("objectives.")}


def _cut(source: Source, layers: int) -> Source:
    """Keep only the first `layers` layers of the discriminator, as an encoder without a head."""
    whole = source.networks.get("discriminator")
    if whole is None:
        raise UserError(f"{source.name}: holds no discriminator that --layers could cut")
    if layers >= whole.shape["layers"]:
        raise UserError(
            f"--layers {layers}: the discriminator of {source.name} has {whole.shape['layers']}; name fewer"
        )
    weights = {
        name: tensor
        for name, tensor in without_heads(whole.weights).items()
        if not ((layer := _LAYER.match(name)) and int(layer[1]) >= layers)
    }
    network = replace(whole, weights=weights)
    return replace(
        source,
        networks={"discriminator": network},
        pairs={"discriminator": pair_of_one(network)},
        layers_before=whole.shape["layers"],
    )
