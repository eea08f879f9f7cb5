"""The area under the ROC curve, against its definition by pairs."""

from __future__ import annotations

import numpy as np
import pytest

from pretrain.watch.placements import area, placements


def counts() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(3)
    return generator.integers(0, 9, 40), generator.integers(0, 5, 40)


def test_the_area_is_the_share_of_pairs_in_the_right_order() -> None:
    original, replaced = counts()
    low, high = (np.repeat(np.arange(40), number) for number in (original, replaced))
    pairs = (high[:, None] > low[None, :]).mean() + (high[:, None] == low[None, :]).mean() / 2
    assert area(original, replaced) == pytest.approx(pairs, rel=1e-12)


def test_the_mean_placement_of_either_kind_is_the_area() -> None:
    original, replaced = counts()
    below, above = placements(original, replaced)
    assert (below * replaced).sum() / replaced.sum() == pytest.approx(area(original, replaced), rel=1e-12)
    assert (above * original).sum() / original.sum() == pytest.approx(area(original, replaced), rel=1e-12)


def test_without_replaced_tokens_there_is_no_area() -> None:
    assert area(np.array([3, 2]), np.array([0, 0])) == 0
