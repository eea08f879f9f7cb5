"""The FLOPs that the reference needs for a score, read from its runs of several lengths.

Every point of the curve is the mean of complete runs, because the rate of a run has decayed only at its end.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

# The FLOPs of runs of one length, and their mean score.
Point = tuple[float, float]


@dataclass(frozen=True)
class Reading:
    """The FLOPs at which the curve reaches a score, or the end of the curve that the score lies beyond."""

    flops: float
    bound: Literal["", "less than", "more than"] = ""

    def ratio(self, flops: float) -> str:
        """Return for people how many times the FLOPs of a run the reference needs."""
        times = f"{self.flops / flops:.2f}x"
        return f"{self.bound} {times}" if self.bound else times


def read_curve(points: Sequence[Point], score: float) -> Reading:
    """Return the lowest FLOPs at which the curve reaches the score.

    Between two neighbouring lengths the score is interpolated linearly over the logarithm of the FLOPs. Nothing is
    extrapolated.
    """
    points = sorted(points)
    reached = next((number for number, (_, mean) in enumerate(points) if mean >= score), None)
    if reached is None:
        return Reading(points[-1][0], "more than")
    high, after = points[reached]
    if not reached:
        return Reading(high, "less than" if score < after else "")
    low, before = points[reached - 1]
    share = (score - before) / (after - before)
    return Reading(math.exp((1 - share) * math.log(low) + share * math.log(high)))
