"""Calibration and precision-recall, against scikit-learn and numbers worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from sklearn.calibration import calibration_curve
from sklearn.metrics import precision_recall_curve

from pretrain.run.distributions import Histogram
from pretrain.watch.detection_curves import calibration, precision_recall


def histogram(low: float, *counts: int) -> Histogram:
    return Histogram(low=low, width=0.5, counts=counts)


def test_calibration_is_that_of_scikit_learn() -> None:
    generator = np.random.default_rng(1)
    logits = generator.integers(-16, 16, 5000) / 4 + 0.25
    replaced = generator.random(5000) < expit(logits - 1)
    bins = np.arange(-9, 10) / 2
    counts = [tuple(np.histogram(logits[kind], bins)[0].tolist()) for kind in (~replaced, replaced)]
    middles = (np.searchsorted(bins, logits, side="right") - 1) / 2 - 4.25
    shares, probabilities = calibration_curve(replaced, expit(middles), n_bins=20)
    measured = calibration(histogram(-4.5, *counts[0]), histogram(-4.5, *counts[1]))
    assert measured.replaced_share == pytest.approx(shares, rel=1e-12)
    assert measured.probability == pytest.approx(probabilities, rel=1e-12)
    assert measured.tokens.sum() == 5000


def test_calibration_by_hand() -> None:
    """The middles -.25 and .25 have the probabilities .438 and .562, in the ranges from .4 and from .55 on."""
    measured = calibration(histogram(-0.5, 6, 1), histogram(-0.5, 2, 3))
    assert measured.probability == pytest.approx([0.4378, 0.5622], abs=1e-4)
    assert measured.replaced_share.tolist() == [2 / 8, 3 / 4]
    assert measured.tokens.tolist() == [8, 4]


def test_precision_and_recall_are_those_of_scikit_learn() -> None:
    original, replaced = histogram(-1.0, 30, 8, 0, 1), histogram(-1.0, 5, 4, 0, 2)
    kinds = np.repeat([0, 0, 0, 1, 1, 1], [30, 8, 1, 5, 4, 2])
    scores = np.repeat(expit([-1, -0.5, 0.5, -1, -0.5, 0.5]), [30, 8, 1, 5, 4, 2])
    precision, recall, threshold = precision_recall_curve(kinds, scores)
    curve = precision_recall(original, replaced)
    used = ~np.isclose(curve.threshold, 0.5)  # no token has a logit from 0 to .5
    assert curve.precision[used] == pytest.approx(precision[:-1][::-1])
    assert curve.recall[used] == pytest.approx(recall[:-1][::-1])
    assert curve.threshold[used] == pytest.approx(threshold[::-1])


def test_without_replaced_tokens_precision_and_recall_have_no_points() -> None:
    assert len(precision_recall(histogram(0.0, 3, 4), histogram(0.0, 0, 0)).recall) == 0
