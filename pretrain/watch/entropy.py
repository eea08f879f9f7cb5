"""The entropy of the generator's predictions, counted in bins. Counts add up over processes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from pretrain.run.distributions import Histogram, histograms

# A bin is 1/8 nat wide. The last bin also counts everything beyond 12 nats, the entropy of 160,000 equally likely
# tokens.
BINS, PER_NAT = 96, 8


def count_entropies(log_probs: Tensor, filled: Tensor) -> Tensor:
    """Count the slots [B, P] that are filled by the entropy of their predictions [B, P, V] in nats, [bins].

    No probability may be 0, as in the padding of the vocabulary. An entropy of NaN, which a diverged pair gives, counts
    as 0.
    """
    entropies = -log_probs.exp().mul_(log_probs).sum(-1)
    bins = (entropies.nan_to_num(0) * PER_NAT).floor().clamp(0, BINS - 1).long()
    return bins[filled].bincount(minlength=BINS).double()


def entropy_histogram(counts: NDArray[np.float64]) -> Histogram:
    """Make a histogram in nats from counts [bins]."""
    (histogram,) = histograms(0.0, 1 / PER_NAT, counts[None])
    return histogram
