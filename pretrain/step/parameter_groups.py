"""The groups of an optimizer: which parameters decay, their shares of the rate, and which of them Muon updates."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from configs.training_tables import InitialTable
from configs.update_tables import OptimizerTable
from pretrain.model.pair import ElectraPair


@dataclass(frozen=True)
class LayerNames:
    """How a family of models names the parameters of its encoder."""

    layer: re.Pattern[str]  # its first group matches the number of the layer, counted from 0 at the bottom
    below: tuple[str, ...]  # prefixes of the parameters below the lowest layer

    def layers_above(self, name: str, num_layers: int) -> int | None:
        """How many layers lie above a parameter; None for a parameter outside the encoder, such as a head's."""
        if layer := self.layer.match(name):
            return num_layers - 1 - int(layer[1])
        return num_layers if name.startswith(self.below) else None


PAIR_NAMES = LayerNames(
    re.compile(r"discriminator\.layers\.(\d+)\."),
    ("embeddings.", "discriminator_embeddings.", "discriminator.projection."),
)
# Query, key and value are three matrices in one parameter.
_LAYER_MATRIX = re.compile(
    r"(?:generator|discriminator)\.layers\.\d+\.(attention\.qkv|attention\.output|intermediate|output)\.weight"
)
# A discriminator with the head of a task (`evaluation/tasks/packed.py`).
FINE_TUNED_NAMES = LayerNames(re.compile(r"electra\.discriminator\.layers\.(\d+)\."), ("electra.",))


def layer_scale(
    names: LayerNames, num_layers: int, layer_decay: float, top_exponent: int = 0
) -> Callable[[str], float]:
    """A function from a parameter's name to its share of the learning rate.

    The share is 1 outside the encoder, layer_decay ** top_exponent in its top layer, and layer_decay times the share of
    the layer above everywhere else. The embeddings count as the layer below the lowest one.
    """

    def scale(name: str) -> float:
        above = names.layers_above(name, num_layers)
        return 1.0 if above is None else layer_decay ** (above + top_exponent)

    return scale


def parameter_groups(
    module: nn.Module,
    weight_decay: float,
    scale: Callable[[str], float] = lambda name: 1.0,
    waits: Callable[[str], bool] = lambda name: False,
    matrices: Callable[[str], int] = lambda name: 0,
) -> list[dict[str, Any]]:
    """Groups for an optimizer, with the keys `params`, `weight_decay`, `scale`, `waits` and `matrices`.

    Biases and the parameters of a LayerNorm do not decay; matrices and embedding tables do. `scale` gives a parameter's
    share of the learning rate, `waits` says whether its rate is 0 while a new generator is trained alone, and
    `matrices` says how many matrices Muon sees in it, which is 0 if Adam updates it. All are functions of the
    parameter's name. A parameter without a gradient is in no group.
    """
    groups: dict[tuple[float, float, bool, int], list[Tensor]] = {}
    for prefix, part in module.named_modules():
        for leaf, parameter in part.named_parameters(recurse=False):
            if not parameter.requires_grad:
                continue
            name = f"{prefix}.{leaf}"
            decay = 0.0 if isinstance(part, nn.LayerNorm) or leaf == "bias" else weight_decay
            groups.setdefault((decay, scale(name), waits(name), matrices(name)), []).append(parameter)
    return [
        {"params": parameters, "weight_decay": decay, "scale": share, "waits": waiting, "matrices": number}
        for (decay, share, waiting, number), parameters in groups.items()
    ]


def matrices_of(name: str) -> int:
    """The number of matrices in a parameter of the pair if it is a weight of a layer; otherwise 0."""
    if not (match := _LAYER_MATRIX.fullmatch(name)):
        return 0
    return 3 if match[1] == "attention.qkv" else 1


def pair_groups(pair: ElectraPair, optimizer: OptimizerTable, initial: InitialTable | None) -> list[dict[str, Any]]:
    """The groups of a generator and discriminator pair.

    `initial.layer_decay` lowers the rates of the discriminator's layers. While a new generator is trained alone
    (`initial.generator_steps`), only what belongs to it alone learns.
    """
    groups = _groups(pair, optimizer, initial)
    for group in groups:
        if group["matrices"]:
            group["scale"] *= optimizer.matrix_rate
    return groups


def _groups(pair: ElectraPair, optimizer: OptimizerTable, initial: InitialTable | None) -> list[dict[str, Any]]:
    matrices = matrices_of if optimizer.matrices == "muon" else lambda name: 0
    if initial is None:
        return parameter_groups(pair, optimizer.weight_decay, matrices=matrices)
    num_layers = len({match[1] for name, _ in pair.named_parameters() if (match := PAIR_NAMES.layer.match(name))})
    trains_alone, own = initial.generator_steps > 0, pair.prefixes_of_generator
    scale = layer_scale(PAIR_NAMES, num_layers, initial.layer_decay)
    return parameter_groups(
        pair,
        optimizer.weight_decay,
        lambda name: 1.0 if name.startswith(own) else scale(name),
        lambda name: trains_alone and not name.startswith(own),
        matrices,
    )
