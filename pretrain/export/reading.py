"""An export read back by the readers of released models, to compare its weights and compute its outputs."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from configs.common.errors import UserError
from pretrain.export.proof import Outputs
from pretrain.export.source import pair_of_one
from pretrain.released.network import Network, Released

OWN_READER = "this program, which read it back"


def read_back(network: Network, export: Released, heads: Sequence[str]) -> Outputs:
    """Return a function that computes the outputs of our own model with the weights of `export`, which was just read.

    Raises UserError unless `export` holds exactly the network's embeddings, its layers, and the heads of the objectives
    `heads`.
    """
    held = ("embeddings.", f"{network.part}.", *(f"objectives.{head}." for head in heads))
    expected = {name: tensor for name, tensor in network.weights.items() if name.startswith(held)}
    stored = export.networks[network.part]
    for name in sorted(expected.keys() | stored.weights.keys()):
        if name not in expected or name not in stored.weights or not torch.equal(expected[name], stored.weights[name]):
            raise UserError(
                f"{export.origin}: {name} read back differs from what was written, so nothing is kept; the disk or the "
                "memory of this machine may be faulty"
            )
    pair, kind = pair_of_one(stored), "logits" if heads else "states"

    @torch.no_grad()
    def outputs(tokens: Tensor, segments: Tensor, real: Tensor) -> Tensor:
        return getattr(pair, f"{network.part}_{kind}")(tokens, segments, real)

    return outputs
