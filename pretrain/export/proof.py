"""The proof of an export: the written files give the same outputs as the model that was trained.

Letters: B examples, L their length, D hidden, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from configs.common.errors import UserError
from pretrain.export.cost import Cost
from pretrain.export.examples import Examples, random_examples
from pretrain.export.source import Source
from pretrain.released.network import Network, TowerName

# The tolerance is this share of the largest output, or of 1 if all outputs are smaller. It is ten times the rounding
# error of a sum of a thousand products in fp32.
TOLERANCE = 1e-4

# A function from tokens, segments and real [B, L] to logits or hidden states, in the shapes of `Source.outputs`.
Outputs = Callable[[Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class CardFacts:
    """The facts about a format that the model card states."""

    library: str | None  # the library that loads the format, by the hub's name for it
    usage: str  # how the model is loaded, as Markdown
    pipeline: str | None = None
    limits: tuple[str, ...] = ()


@dataclass(frozen=True)
class Written:
    """A network that was written in a format, and its outputs as a reader computes them from the written files."""

    folder: Path
    network: Network
    heads: tuple[str, ...]  # the objectives whose heads are in the folder
    outputs: Outputs
    reader: str  # the software that computes `outputs`, for people
    card: CardFacts
    states: bool = False  # whether `outputs` are hidden states, and not the logits of a head
    shapes: tuple[tuple[int, int], ...] = ()  # shapes [B, L] that are compared too, for a format that traces a graph


@dataclass(frozen=True)
class Proof:
    """The evidence that the largest difference at real tokens is within the tolerance."""

    part: TowerName
    difference: float
    tolerance: float
    compared: str  # which outputs were compared on which examples, for people
    cost: Cost | None = None  # of the quantized file beside it, if there is one

    def __str__(self) -> str:
        return f"{self.compared}: largest difference {self.difference:.1e} (tolerance {self.tolerance:.0e})"

    def values(self) -> dict[str, str | float]:
        """Return the evidence for a program."""
        evidence = {"difference": self.difference, "tolerance": self.tolerance, "compared": self.compared}
        return {"part": self.part} | evidence

    def lines(self) -> list[str]:
        """Return everything that was measured, for people."""
        return [str(self), *([str(self.cost), self.cost.speed] if self.cost else [])]


def prove(source: Source, written: Written, examples: Examples) -> Proof:
    """Compare the outputs of the written network with the model. Raises UserError when they differ."""
    part, vocabulary = written.network.part, written.network.shape["vocabulary"]
    cases = [examples, *(random_examples(vocabulary, *shape) for shape in written.shapes)]
    inputs = [(case.tokens, case.segments, case.real) for case in cases]
    expected = torch.cat([source.outputs(part, *case, states=written.states)[case[2]] for case in inputs])
    difference = float((torch.cat([written.outputs(*case)[case[2]] for case in inputs]) - expected).abs().max())
    tolerance = TOLERANCE * max(1.0, float(expected.abs().max()))
    kind = "hidden states" if written.states else "logits"
    origin = examples.origin + (f" and random tokens of {len(cases) - 1} other shapes" if written.shapes else "")
    proof = Proof(part, difference, tolerance, f"{part}, {kind} by {written.reader} on {origin}")
    # `not <=` also refuses a difference of NaN, which `>` would not.
    if not difference <= tolerance:
        raise UserError(
            f"{source.name}: the export is not the model that was trained ({proof}); nothing was written, and this is "
            "a fault of the program"
        )
    return proof
