"""`electra inspect MODEL` prints the networks of a released model or an export."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from configs.common import json_lines
from pretrain.released.lookup import open_released
from pretrain.released.network import Network
from pretrain.released.shapes import TOWER_NAMES

_TITLES = {
    "layers": "layers",
    "hidden": "hidden size",
    "heads": "attention heads",
    "intermediate": "intermediate size",
    "embedding": "embedding size",
    "vocabulary": "rows of the vocabulary",
    "max_positions": "positions",
    "token_types": "token types",
}


def show_model(name: str) -> None:
    """Print the shape and the parameters of each network, read from its tensors. Raises UserError if it is no model."""
    released = open_released(name)
    table = Table(box=None, padding=(0, 2, 0, 0))
    networks = [released.networks[tower] for tower in TOWER_NAMES if tower in released.networks]
    for title in ("", *(network.part for network in networks)):
        table.add_column(title, justify="left" if not title else "right")
    shapes = [network.shape | network.tower for network in networks]
    for key, title in _TITLES.items():
        table.add_row(title, *(f"{shape[key]:,}" for shape in shapes))
    table.add_row("head", *("yes" if network.has_head else "no" for network in networks))
    table.add_row("parameters", *(f"{_num_parameters(network):,}" for network in networks))
    console = Console()
    console.print(f"model {name}", highlight=False, markup=False, soft_wrap=True)
    for network in networks:
        console.print(f"{network.part}: {network.origin}", highlight=False, markup=False, soft_wrap=True)
    console.print(table)
    vocabulary = released.vocabulary or "no file in the folder of the model"
    for line in (f"vocabulary: {vocabulary}", *released.remarks()):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    json_lines.write(
        "model",
        model=name,
        networks=[_facts(network) for network in networks],
        vocabulary=str(released.vocabulary) if released.vocabulary else None,
        remarks=list(released.remarks()),
    )


def _facts(network: Network) -> dict[str, Any]:
    """Return the values of a network in `electra --json inspect`, whose keys docs/output.md lists."""
    shape = network.shape | network.tower
    return {
        "part": network.part,
        "origin": network.origin,
        **{key: shape[key] for key in _TITLES},
        "has_head": network.has_head,
        "parameters": _num_parameters(network),
    }


def _num_parameters(network: Network) -> int:
    """Count the parameters of a network. Embeddings that both networks share are counted for each network."""
    return sum(tensor.numel() for tensor in network.weights.values())
