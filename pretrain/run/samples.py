"""Samples of an evaluation: a few held-out rows as text, with what both networks made of them (samples.jsonl)."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel

from configs.folders import SAMPLES
from configs.schema import Natural
from pretrain.run.step_lines import StepLine, read_step_lines


class Slot(BaseModel):
    """A masked position of a row."""

    model_config = StepLine.model_config

    position: Natural  # in `SampleRow.tokens`
    shown: str  # what the generator saw: [MASK], a random token, or the original
    put: str  # what the generator put there, and the discriminator saw; it may be the original


class SampleRow(BaseModel):
    """The beginning of a held-out row. Its number, its slots and its random numbers are the same in all evaluations."""

    model_config = StepLine.model_config

    row: Natural  # the number in the corpus
    tokens: tuple[str, ...]  # the original tokens, as entries of the vocabulary
    slots: tuple[Slot, ...]  # in the order of their positions
    # For each token, the probability that it was replaced, as the discriminator judges. A probability that was not
    # finite is None, and a pair without this objective has no probabilities.
    suspicion: tuple[float | None, ...] | None

    @property
    def slot_at(self) -> dict[int, Slot]:
        """The slots by position."""
        return {slot.position: slot for slot in self.slots}


class Samples(StepLine):
    rows: tuple[SampleRow, ...]


def read_samples(run: Path) -> list[Samples]:
    """Read the samples of all evaluations of a run, in the order in which they were made."""
    return read_step_lines(run / SAMPLES, Samples)
