"""The difference of two series of scores that are paired, such as by seed, with its 95 % interval and its p-value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scipy import stats


@dataclass(frozen=True)
class PairedDifference:
    """The mean of the differences, with the interval and the two-sided p-value of Student's t-test for paired samples.

    A single pair has neither. If all differences are equal, the interval has no width, and there is no p-value.
    """

    mean: float
    low: float | None
    high: float | None
    p: float | None


def paired_difference(scores: Sequence[float], baseline: Sequence[float]) -> PairedDifference:
    """Return the mean of `scores` minus `baseline`. Both have at least one score, and pairs stand in the same place."""
    differences = [score - base for score, base in zip(scores, baseline, strict=True)]
    mean = sum(differences) / len(differences)
    if len(differences) == 1:
        return PairedDifference(mean, None, None, None)
    if len(set(differences)) == 1:
        return PairedDifference(mean, mean, mean, None)
    test = stats.ttest_rel(scores, baseline)
    interval = test.confidence_interval(0.95)
    return PairedDifference(mean, float(interval.low), float(interval.high), float(test.pvalue))
