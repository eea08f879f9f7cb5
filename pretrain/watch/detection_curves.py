"""Calibration and precision-recall of the discriminator, from the histograms of its logits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pretrain.run.distributions import Histogram

# Tokens are compared in this number of ranges of their probability, each equally wide.
_RANGES = 20


@dataclass(frozen=True)
class Calibration:
    """How often tokens were replaced, by the probability that the discriminator gave them. Empty ranges are absent."""

    probability: NDArray[np.float64]  # [ranges] the mean in each range
    replaced_share: NDArray[np.float64]  # [ranges]
    tokens: NDArray[np.int64]  # [ranges]


@dataclass(frozen=True)
class PrecisionRecall:
    """Precision and recall at each threshold of the probability, from the highest to the lowest threshold."""

    threshold: NDArray[np.float64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]


def calibration(original: Histogram, replaced: Histogram) -> Calibration:
    """Compute the calibration from two histograms over the same bins. The middle of a bin stands for its logits."""
    tokens = np.add(original.counts, replaced.counts)
    probability = _sigmoid((original.borders[1:] + original.borders[:-1]) / 2)
    place = np.minimum((probability * _RANGES).astype(np.int64), _RANGES - 1)
    total, sums, hits = (
        np.bincount(place, weights, _RANGES) for weights in (tokens, tokens * probability, np.array(replaced.counts))
    )
    used = total > 0
    return Calibration(sums[used] / total[used], hits[used] / total[used], total[used].astype(np.int64))


def precision_recall(original: Histogram, replaced: Histogram) -> PrecisionRecall:
    """Compute the curve from two histograms over the same bins. Without replaced tokens it has no points."""
    called = np.add(original.counts, replaced.counts)[::-1].cumsum()
    hits = np.array(replaced.counts)[::-1].cumsum()
    used = (called > 0) & (sum(replaced.counts) > 0)
    threshold = _sigmoid(original.borders[:-1][::-1])
    return PrecisionRecall(threshold[used], hits[used] / called[used], hits[used] / max(1, sum(replaced.counts)))


def _sigmoid(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """The borders of the bins are at most 16 from 0, so this never overflows. scipy's takes .2 s to import."""
    return 1 / (1 + np.exp(-logits))
