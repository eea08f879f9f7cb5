"""Histograms of an evaluation: entropies of the generator, logits of the discriminator (distributions.jsonl)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from configs.folders import DISTRIBUTIONS
from configs.schema import Natural, Positive
from pretrain.run.step_lines import StepLine, read_step_lines


class Histogram(BaseModel):
    """Counts in bins of equal width, without the empty bins at both ends."""

    model_config = StepLine.model_config

    low: float  # the lower border of the first bin
    width: Positive
    counts: tuple[Natural, ...]

    @property
    def borders(self) -> NDArray[np.float64]:
        """[bins + 1]"""
        return self.low + self.width * np.arange(len(self.counts) + 1, dtype=np.float64)


class Distributions(StepLine):
    entropy: Histogram  # of the generator's predictions at all slots, in nats, at temperature 1
    # The discriminator's logits of original and of replaced tokens, in the same bins. A pair without replaced token
    # detection has none.
    original_logits: Histogram | None
    replaced_logits: Histogram | None


def histograms(low: float, width: float, counts: NDArray[np.float64]) -> list[Histogram]:
    """Make a histogram of each row of `counts` [rows, bins], without the bins at the ends that all rows leave empty."""
    used = np.flatnonzero(counts.sum(0))
    first, end = (int(used[0]), int(used[-1]) + 1) if len(used) else (0, 0)
    rows = counts[:, first:end].astype(np.int64).tolist()
    return [Histogram(low=low + first * width, width=width, counts=tuple(row)) for row in rows]


def read_distributions(run: Path) -> list[Distributions]:
    """Read the histograms of all evaluations of a run, in the order in which they were made."""
    return read_step_lines(run / DISTRIBUTIONS, Distributions)
