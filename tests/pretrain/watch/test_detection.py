"""Scores of the discriminator against their definitions, scikit-learn, and numbers worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import expit
from sklearn.metrics import precision_recall_curve

from pretrain.watch.detection import BINS, PER_UNIT, count_logits, detection_scores


def tokens() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return logits, whether each token was replaced, and whether it is real."""
    generator = np.random.default_rng(0)
    replaced = generator.random(3000) < 0.12
    return generator.normal(size=3000) + 1.5 * replaced - 1, replaced, generator.random(3000) < 0.9


def scores_of(logits: np.ndarray, replaced: np.ndarray, real: np.ndarray) -> dict[str, float]:
    return detection_scores(count_logits(*(torch.from_numpy(row)[None] for row in (logits, replaced, real))).numpy())


def counts_of(tokens_by_logit: dict[float, tuple[int, int]]) -> np.ndarray:
    """Return counts with so many original and replaced tokens at each logit."""
    counts = np.zeros((2, BINS))
    for logit, numbers in tokens_by_logit.items():
        counts[:, BINS // 2 + int(logit * PER_UNIT)] = numbers
    return counts


def test_detection_scores_are_their_definitions() -> None:
    logits, replaced, real = tokens()
    scores = scores_of(logits, replaced, real)
    positive, negative = logits[replaced & real], logits[~replaced & real]
    assert scores["auc"] == pytest.approx((positive[:, None] > negative[None, :]).mean(), abs=1e-3)
    called = logits[real] >= 0
    assert scores["precision"] == pytest.approx(replaced[real][called].mean(), abs=1e-9)
    assert scores["recall"] == pytest.approx(called[replaced[real]].mean(), abs=1e-9)
    assert scores["accuracy"] == pytest.approx((called == replaced[real]).mean(), abs=1e-9)
    assert scores["replaced_share"] == pytest.approx(replaced[real].mean(), abs=1e-9)


def test_the_best_threshold_has_the_highest_f1_of_scikit_learn() -> None:
    logits, replaced, real = tokens()
    logits = np.round(logits * PER_UNIT) / PER_UNIT
    scores = scores_of(logits, replaced, real)
    precision, recall, thresholds = precision_recall_curve(replaced[real], expit(logits[real]))
    best = np.nanargmax(2 * precision * recall / (precision + recall))
    assert scores["best_threshold"] == pytest.approx(thresholds[best], rel=1e-12)
    assert scores["best_precision"] == pytest.approx(precision[best], rel=1e-12)
    assert scores["best_recall"] == pytest.approx(recall[best], rel=1e-12)


def test_the_best_threshold_of_a_discriminator_that_never_reaches_one_half() -> None:
    """From -2 on: 3 of 4 tokens are replaced, 3 of 5 replaced ones. From -3 on: 5 of 16. Logit -2 is 0.1192."""
    scores = detection_scores(counts_of({-3: (10, 2), -2: (1, 3), -6: (100, 0)}))
    assert scores["precision"] == scores["recall"] == 0
    assert scores["best_threshold"] == pytest.approx(0.1192, abs=1e-4)
    assert scores["best_precision"] == 3 / 4
    assert scores["best_recall"] == 3 / 5


def test_of_equally_good_thresholds_the_highest_counts() -> None:
    """From 0 on, F1 is 2 * 1 / (1 + 2); from -1 on, it is 2 * 2 / (4 + 2). Both are 2/3."""
    assert detection_scores(counts_of({0: (0, 1), -1: (2, 1)}))["best_threshold"] == 0.5


def test_a_constant_discriminator_is_at_chance() -> None:
    scores = detection_scores(counts_of({-4: (900, 100)}))
    assert scores["auc"] == 0.5
    assert (scores["best_precision"], scores["best_recall"]) == (0.1, 1)


def test_without_replaced_tokens_precision_and_recall_are_0() -> None:
    scores = detection_scores(counts_of({-4: (900, 0)}))
    assert {scores[name] for name in ("precision", "recall", "best_precision", "best_recall")} == {0}


def test_a_logit_that_is_not_a_number_counts_as_0() -> None:
    counts = count_logits(
        torch.tensor([[torch.nan, -99.0, 99.0]]), torch.zeros(1, 3, dtype=torch.bool), torch.ones(1, 3).bool()
    )
    assert counts[0].nonzero().flatten().tolist() == [0, BINS // 2, BINS - 1]
