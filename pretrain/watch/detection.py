"""Scores of the discriminator, from counts of its logits in bins. Counts add up over processes."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from pretrain.run.distributions import Histogram, histograms
from pretrain.watch.placements import area

# A bin is 1/128 of a logit wide, and the bins cover the logits from -16 to 16. The first and the last bin also count
# everything beyond. This number of bins keeps three digits of AUC.
BINS, PER_UNIT = 4096, 128
# So many bins are one bin of a histogram that is kept: it is 1/16 of a logit wide.
_AT_ONCE = 8


def count_logits(logits: Tensor, replaced: Tensor, real: Tensor) -> Tensor:
    """Count original and replaced tokens by their logit, [2, bins]. The border between the two middle bins is 0.

    A logit of NaN, which a diverged pair gives, counts as 0.
    """
    bins = (logits.nan_to_num(0) * PER_UNIT).floor().clamp(-BINS // 2, BINS // 2 - 1).long() + BINS // 2
    flat = (replaced.long() * BINS + bins)[real]
    return flat.bincount(minlength=2 * BINS).view(2, BINS).double()


def detection_scores(counts: NDArray[np.float64]) -> dict[str, float]:
    """Compute the scores of replaced token detection from [2, bins].

    For `accuracy`, `precision` and `recall` a token is called replaced when its logit is not negative. For
    `best_precision` and `best_recall` it is called replaced when its probability reaches `best_threshold`, with which
    their harmonic mean (F1) is highest. If several thresholds are equally good, it is the highest of them.
    """
    original, replaced = counts
    called, hits = (_from_here_on(tokens) for tokens in (original + replaced, replaced))
    middle, best = BINS // 2, _best_bin(called, hits)
    return {
        "replaced_share": float(replaced.sum() / counts.sum()),
        "auc": area(original, replaced),
        "accuracy": float((hits[middle] + original[:middle].sum()) / counts.sum()),
        "precision": float(hits[middle] / max(1, called[middle])),
        "recall": float(hits[middle] / max(1, replaced.sum())),
        "best_threshold": 1 / (1 + math.exp((middle - best) / PER_UNIT)),
        "best_precision": float(hits[best] / max(1, called[best])),
        "best_recall": float(hits[best] / max(1, replaced.sum())),
    }


def _from_here_on(tokens: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return for each bin the number of tokens in it and in all higher bins."""
    return tokens[::-1].cumsum()[::-1]


def _best_bin(called: NDArray[np.float64], hits: NDArray[np.float64]) -> int:
    """Return the highest bin with the best F1, if tokens in it and in all higher bins are called replaced."""
    f1 = 2 * hits / np.maximum(1, called + hits[0])
    return int(np.flatnonzero(f1 == f1.max())[-1])


def logit_histograms(counts: NDArray[np.float64]) -> tuple[Histogram, Histogram]:
    """Make histograms of the logits of original and of replaced tokens from counts [2, bins]."""
    original, replaced = histograms(-BINS / 2 / PER_UNIT, _AT_ONCE / PER_UNIT, counts.reshape(2, -1, _AT_ONCE).sum(2))
    return original, replaced
