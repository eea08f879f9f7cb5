"""The area under the ROC curve, from counts of original and replaced tokens in bins of ascending logits.

A bin may be a range of logits, whose counts add up over processes, or a single value, with which the area is exact.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.integer] | NDArray[np.floating]


def placements(original: Counts, replaced: Counts) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For each bin, the share of originals below it and the share of replaced tokens above it, [bins] each.

    A token of the same bin counts a half. These are DeLong's placement values; both kinds of tokens must occur.
    """
    below = (original.cumsum() - original / 2) / original.sum()
    above = (replaced[::-1].cumsum()[::-1] - replaced / 2) / replaced.sum()
    return below, above


def area(original: Counts, replaced: Counts) -> float:
    """The chance that a replaced token has a higher logit than an original one; 0 if one kind does not occur."""
    above = replaced[::-1].cumsum()[::-1] - replaced / 2
    return float((original * above).sum() / max(1, original.sum() * replaced.sum()))
