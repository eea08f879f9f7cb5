"""An export read back by the readers of released models, to compare its weights and compute its outputs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from configs.common.errors import UserError
from pretrain.export.proof import Outputs
from pretrain.export.source import pair_of_one
from pretrain.released.lookup import open_released
from pretrain.released.network import Network

OWN_READER = "this program, which read it back"


def read_back(network: Network, path: Path, heads: Sequence[str]) -> Outputs:
    """Return a function that computes the outputs of our own model with the weights in `path`.

    Raises UserError unless `path` holds exactly the network's embeddings, its layers, and the heads of the objectives
    `heads`.
    """
    held = ("embeddings.", f"{network.part}.", *(f"objectives.{head}." for head in heads))
    expected = {name: tensor for name, tensor in network.weights.items() if name.startswith(held)}
    stored = open_released(str(path)).networks[network.part]
    for name in sorted(expected.keys() | stored.weights.keys()):
        if name not in expected or name not in stored.weights or not torch.equal(expected[name], stored.weights[name]):
            raise UserError(
                f"{path}: {name} read back differs from what was written, so nothing is kept; the disk or the memory "
                "of this machine may be faulty"
            )
    pair, kind = pair_of_one(stored), "logits" if heads else "states"

    @torch.no_grad()
    def outputs(tokens: Tensor, segments: Tensor, real: Tensor) -> Tensor:
        return getattr(pair, f"{network.part}_{kind}")(tokens, segments, real)

    return outputs
