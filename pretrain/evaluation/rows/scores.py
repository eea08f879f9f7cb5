"""Scores from the measures of each row, with 95 % intervals over rows.

Rows are sampled, and the tokens of a row are not independent. So every score is a function of sums over rows, and its
standard error comes from its linear approximation. For a ratio of sums this is the delta method. For the AUC it is
N. Obuchowski, "Nonparametric analysis of clustered ROC curve data" (Biometrics 53, 1997), which is DeLong's method with
clusters.
Neighbouring rows may come from one document; then the intervals are too narrow.

Letters: R rows, N tokens.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pretrain.evaluation.rows.scoring import RowMeasures
from pretrain.watch.placements import placements

Array = NDArray[np.float64]
_NORMAL = 1.959964  # two-sided 95 %


@dataclass(frozen=True)
class Score:
    """A value, and the ends of its interval. All are None where the score is not defined, such as the precision of a
    discriminator that calls no token replaced."""

    value: float | None
    low: float | None
    high: float | None


UNDEFINED = Score(None, None, None)


def scores(rows: RowMeasures) -> dict[str, Score]:
    """Compute all scores by name. The scores of detection are left out if there is no discriminator.

    `pseudo_perplexity` is exp of the mean -log p of the masked originals, with all masked tokens of a row hidden at
    once. Salazar et al. (2020) hide one token at a time, so their value is lower. `brier` is the mean squared error of
    the probability that a token was replaced.
    """
    surprise = ratio(rows.surprise, rows.slots)
    prediction = {
        "masked_accuracy": ratio(rows.predicted, rows.slots, 0, 1),
        "pseudo_perplexity": _exponential(surprise),
    }
    return prediction | (_detection(rows, rows.logits) if rows.logits is not None else {})


def _detection(rows: RowMeasures, logits: Array) -> dict[str, Score]:
    """Compute the scores of detection. A token is called replaced when its logit is not negative."""
    called, replaced = logits >= 0, rows.replaced
    chance = 0.5 * (1 + np.tanh(logits / 2))

    def share(numerator: NDArray, denominator: NDArray) -> Score:
        return ratio(_by_row(rows, numerator), _by_row(rows, denominator), 0, 1)

    every = np.ones_like(replaced)
    return {
        "replaced_share": share(replaced, every),
        "accuracy": share(called == replaced, every),
        "precision": share(called & replaced, called),
        "recall": share(called & replaced, replaced),
        "auc": auc(logits, replaced, rows.row, len(rows.slots)),
        "brier": share((chance - replaced) ** 2, every),
    }


def _by_row(rows: RowMeasures, values: NDArray) -> Array:
    """Sum the values of each row's tokens, [N] -> [R]."""
    return np.bincount(rows.row, values, minlength=len(rows.slots)).astype(np.float64)


def ratio(numerator: Array, denominator: Array, lowest: float = -math.inf, highest: float = math.inf) -> Score:
    """Divide the sum of `numerator` by the sum of `denominator`, [R] each.

    The interval is cut at `lowest` and `highest`.
    """
    total = denominator.sum()
    if not total:
        return UNDEFINED
    value = numerator.sum() / total
    return _interval(value, (numerator - value * denominator) / total, lowest, highest)


def auc(logits: Array, replaced: NDArray[np.bool_], row: NDArray[np.int64], num_rows: int) -> Score:
    """The chance that a replaced token has a higher logit than an original one; equal logits count a half."""
    if not replaced.any() or replaced.all():
        return UNDEFINED
    return _interval(*_auc_parts(logits, replaced, row, num_rows), 0, 1)


def auc_difference(
    logits: Array, others: Array, replaced: NDArray[np.bool_], row: NDArray[np.int64], num_rows: int
) -> Score:
    """The AUC by `logits` minus the AUC by `others`, [N] each, for the same tokens.

    Its interval is narrower than those of the two, because rows that are hard for one model are hard for the other.
    """
    if not replaced.any() or replaced.all():
        return UNDEFINED
    (value, parts), (other, other_parts) = (_auc_parts(each, replaced, row, num_rows) for each in (logits, others))
    return _interval(value - other, parts - other_parts, -1, 1)


def _auc_parts(
    logits: Array, replaced: NDArray[np.bool_], row: NDArray[np.int64], num_rows: int
) -> tuple[float, Array]:
    """Return the AUC, and the linear contributions [R] of the rows to its error."""
    values, bins = np.unique(logits, return_inverse=True)
    below, above = placements(*(np.bincount(bins[kind], minlength=len(values)) for kind in (~replaced, replaced)))
    # For each token, this is the share of tokens of the other kind that it is correctly above or below.
    beaten = np.where(replaced, below[bins], above[bins])
    value = float(beaten[replaced].mean())
    parts = (beaten - value) / np.where(replaced, replaced.sum(), (~replaced).sum())
    return value, np.bincount(row, parts, minlength=num_rows).astype(np.float64)


def _interval(value: float, parts: Array, lowest: float, highest: float) -> Score:
    """Make the interval of a value. `parts` [R] are the rows' linear contributions to its error; their sum is 0."""
    error = _NORMAL * math.sqrt(len(parts) / (len(parts) - 1) * float((parts**2).sum()))
    return Score(float(value), max(lowest, float(value - error)), min(highest, float(value + error)))


def _exponential(score: Score) -> Score:
    """Convert a mean of -log p, with its interval, to a perplexity."""
    ends = (score.value, score.low, score.high)
    return Score(*(None if end is None else math.exp(min(end, 700)) for end in ends))
