"""Scores by hand and by their definitions, and their intervals by drawing rows again."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pretrain.evaluation.rows.scores import UNDEFINED, Score, auc, auc_difference, ratio, scores
from pretrain.evaluation.rows.scoring import RowMeasures

# Two rows: 4 and 2 masked tokens, of which 1 and 2 are predicted; three tokens in each.
BY_HAND = RowMeasures(
    number=np.array([0, 1]),
    slots=np.array([4.0, 2.0]),
    predicted=np.array([1.0, 2.0]),
    surprise=np.array([6.0, 0.0]),
    row=np.array([0, 0, 0, 1, 1, 1]),
    original=np.zeros(6, np.int64),
    corrupted=np.array([1, 0, 0, 1, 1, 0]),
    logits=np.array([0.0, -1.0, 2.0, 3.0, -2.0, -1.0]),
)


def test_by_hand() -> None:
    results = scores(BY_HAND)
    expected = {
        "masked_accuracy": 3 / 6,
        "replaced_share": 3 / 6,
        "accuracy": 4 / 6,  # the first, second, fourth and sixth
        "precision": 2 / 3,
        "recall": 2 / 3,
        "auc": 5 / 9,  # 0 beats two originals of three, 3 all three, -2 none
    }
    assert {name: results[name].value for name in expected} == pytest.approx(expected)
    assert results["pseudo_perplexity"].value == pytest.approx(math.e)
    chances = [1 / (1 + math.exp(-logit)) for logit in (0, -1, 2, 3, -2, -1)]
    wrong = [chances[0] - 1, chances[1], chances[2], chances[3] - 1, chances[4] - 1, chances[5]]
    assert results["brier"].value == pytest.approx(sum(error**2 for error in wrong) / 6)


def test_an_interval_by_hand() -> None:
    """3 of 6: the rows are (1 - 4/2)/6 and (2 - 2/2)/6 from it, so the error is sqrt(2 * 2/36) = 1/3."""
    score = ratio(BY_HAND.predicted, BY_HAND.slots)
    assert score.low == pytest.approx(0.5 - 1.959964 / 3)
    assert score.high == pytest.approx(0.5 + 1.959964 / 3)
    assert ratio(BY_HAND.predicted, BY_HAND.slots, 0, 1) == Score(0.5, 0, 1)


def test_what_is_not_defined() -> None:
    none = np.zeros(3, bool)
    assert auc(np.arange(3.0), none, np.arange(3), 3) == auc(np.arange(3.0), ~none, np.arange(3), 3) == UNDEFINED
    assert ratio(np.zeros(2), np.zeros(2)) == UNDEFINED
    assert auc(np.zeros(4), np.array([True, False, True, False]), np.arange(4), 4).value == 0.5


def drawn(generator: np.random.Generator, num_rows: int) -> RowMeasures:
    """Rows that differ: some are easy, and all their tokens are."""
    lengths = generator.integers(5, 40, num_rows)
    row = np.repeat(np.arange(num_rows), lengths)
    ease = generator.normal(size=num_rows)
    replaced = generator.random(len(row)) < 0.2
    logits = generator.normal(size=len(row)) - 1 + replaced * (1 + ease[row])
    slots = generator.integers(1, 9, num_rows).astype(float)
    predicted = generator.binomial(slots.astype(int), 1 / (1 + np.exp(-ease))).astype(float)
    return RowMeasures(
        number=np.arange(num_rows),
        slots=slots,
        predicted=predicted,
        surprise=slots * np.exp(-ease),
        row=row,
        original=np.zeros(len(row), np.int64),
        corrupted=replaced.astype(np.int64),
        logits=logits,
    )


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """Rows are drawn again and again from one law; a 95 % interval of 60 of them misses its mean in about one of 20."""
    generator = np.random.default_rng(0)
    truth = scores(drawn(generator, 20_000))
    hits = dict.fromkeys(truth, 0)
    for _ in range(400):
        for name, score in scores(drawn(generator, 60)).items():
            value = truth[name].value
            assert score.low is not None and score.high is not None and value is not None
            hits[name] += score.low <= value <= score.high
    for name, number in hits.items():
        assert 0.9 <= number / 400 <= 0.98, name


def test_a_difference_of_two_aucs_by_drawing_rows_again() -> None:
    """The spread of the difference over drawn sets of rows is the standard error that one set states."""
    generator = np.random.default_rng(1)
    values, errors = [], []
    for _ in range(300):
        rows = drawn(generator, 60)
        assert rows.logits is not None
        others = rows.logits + generator.normal(size=len(rows.logits))
        arguments = (rows.replaced, rows.row, len(rows.slots))
        score = auc_difference(rows.logits, others, *arguments)
        assert score.value is not None and score.low is not None and score.high is not None
        one, other = auc(rows.logits, *arguments), auc(others, *arguments)
        assert one.value is not None and other.value is not None
        assert score.value == pytest.approx(one.value - other.value)
        assert score.high - score.low < one.high - one.low  # type: ignore[operator]  both are numbers
        values.append(score.value)
        errors.append((score.high - score.low) / 2 / 1.959964)
    assert np.std(values) == pytest.approx(np.mean(errors), rel=0.1)
    none = np.zeros(4, bool)
    assert auc_difference(np.arange(4.0), np.arange(4.0), none, np.arange(4), 4) == UNDEFINED
