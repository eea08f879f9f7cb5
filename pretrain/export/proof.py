"""Proof of an export: what was written gives the outputs of the model that was trained.

Letters: B examples, L their length, D hidden, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from configs.common.errors import UserError
from pretrain.export.examples import Examples
from pretrain.export.source import Source
from pretrain.released.network import Network, TowerName

# Of the largest output, or of 1 where all are smaller: ten times what a sum of a thousand products in fp32 loses.
TOLERANCE = 1e-4

# tokens, segments and real [B, L] -> logits or states, as `Source.outputs`
Outputs = Callable[[Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class CardFacts:
    """What a format says in the model card."""

    library: str | None  # that loads it, by the hub's name for it
    usage: str  # Markdown
    pipeline: str | None = None
    limits: tuple[str, ...] = ()


@dataclass(frozen=True)
class Written:
    """A network that a format has written, and the software that computes it from there."""

    folder: Path
    network: Network
    heads: tuple[str, ...]  # the objectives whose heads are in the folder
    outputs: Outputs
    reader: str  # what computes `outputs`, for people
    card: CardFacts
    states: bool = False  # whether it gives hidden states, and not the logits of a head


@dataclass(frozen=True)
class Proof:
    """That the largest difference at real tokens is within the tolerance."""

    part: TowerName
    difference: float
    tolerance: float
    compared: str  # what with what, for people

    def __str__(self) -> str:
        return f"{self.compared}: largest difference {self.difference:.1e} (tolerance {self.tolerance:.0e})"


def prove(source: Source, written: Written, examples: Examples) -> Proof:
    """Raises UserError when the outputs are not those of the model."""
    part, inputs = written.network.part, (examples.tokens, examples.segments, examples.real)
    expected = source.outputs(part, *inputs, states=written.states)[examples.real]
    difference = float((written.outputs(*inputs)[examples.real] - expected).abs().max())
    tolerance = TOLERANCE * max(1.0, float(expected.abs().max()))
    kind = "hidden states" if written.states else "logits"
    proof = Proof(part, difference, tolerance, f"{part}, {kind} by {written.reader} on {examples.origin}")
    # Written so that NaN is refused too.
    if not difference <= tolerance:
        raise UserError(
            f"{source.name}: the export is not the model that was trained ({proof}); nothing was written, and this is "
            "a fault of the program"
        )
    return proof
