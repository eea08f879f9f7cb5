"""More positions than a released model has: its table of positions is repeated."""

from __future__ import annotations

from dataclasses import replace

import torch

from pretrain.released.network import Network

_TABLE = "embeddings.position.weight"


def with_positions(network: Network, num_positions: int) -> tuple[Network, list[str]]:
    """Return the network with at least this number of positions, and a sentence for people if its table was repeated.

    Position i gets the row i modulo the number of rows. The rows that the model has stay the same.
    """
    table = network.weights[_TABLE]
    if num_positions <= len(table):
        return network, []
    repeated = table[torch.arange(num_positions) % len(table)]
    remark = (
        f"{network.origin}: the {network.part} has {len(table):,} positions, and the run {num_positions:,}; positions "
        f"from {len(table):,} on start as copies of the first ones"
    )
    return replace(network, weights=network.weights | {_TABLE: repeated}), [remark]
