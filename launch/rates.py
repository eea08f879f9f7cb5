"""The measured rates of this project from which `electra plan --text-bytes` computes, each with its source.

A test compares them with the tables in docs/speed.md that are named here.
"""

from __future__ import annotations

from dataclasses import dataclass

from configs.common.errors import UserError, unknown


@dataclass(frozen=True)
class Language:
    """How fast text of a language is prepared, and how many tokens it has."""

    bytes_per_second: float  # of one process on one core, with ten maskings, until the corpus is on disk
    text_bytes: int  # of the measured text
    tokens: int  # of the measured text

    @property
    def bytes_per_token(self) -> float:
        return self.text_bytes / self.tokens


PREPARATION = "electra prepare small, two cores of an AMD EPYC (AVX-512), 2026-11-28, docs/speed.md#data-preparation"
LANGUAGES = {
    "english": Language(12.5e6, 35_000_000, 7_239_024),
    "chinese": Language(15.4e6, 42_500_000, 14_055_300),
}
# Each layer of a network launches about so many kernels in a step, forward and backward, for each micro-batch.
OPERATORS = "python -m benchmarks.operators, 2026-11-28, docs/speed.md#operators-of-a-step"
OPERATORS_PER_LAYER = 65
# No GPU has measured this.
SECONDS_PER_LAUNCH = 5e-6


def language_of(name: str) -> Language:
    """Return the rates of a language. Raises UserError, which lists the languages, for any other name."""
    if name not in LANGUAGES:
        raise UserError(f"--language: {unknown('language', name, LANGUAGES)}; take the one with the nearer script")
    return LANGUAGES[name]
