"""Keyed randomness is a pure function, and its numbers are uniform."""

from __future__ import annotations

import numpy as np

from configs.common import randomness


def test_a_value_depends_on_its_own_names_alone() -> None:
    grid = randomness.bits(7, "purpose", np.arange(5)[:, None], np.arange(6)[None, :])
    assert grid.shape == (5, 6)
    assert grid[3, 4] == randomness.bits(7, "purpose", 3, 4)
    assert len(np.unique(grid)) == grid.size
    for other in (
        randomness.bits(8, "purpose", 3, 4),
        randomness.bits(7, "other", 3, 4),
        randomness.bits(7, "purpose", 4, 3),
    ):
        assert other != grid[3, 4]


def test_it_stays_what_it_is() -> None:
    """The hash keeps its values, since a changed hash would silently change every corpus and every run."""
    assert int(randomness.bits(1, "masking train", 0, 0)) == 0xD996DAFE232F2E95
    assert randomness.text_hash("ELECTRA") == 0xBA3FA406C91951D6


def test_uniforms_fill_the_interval_evenly() -> None:
    values = randomness.uniform(1, "law", np.arange(1_000_000))
    assert values.dtype == np.float32
    assert values.min() >= 0
    assert values.max() < 1
    counts = np.histogram(values, bins=100, range=(0, 1))[0]
    # A chi-square value with 99 degrees of freedom exceeds 156 with a probability of 1 in 10,000.
    assert ((counts - 10_000) ** 2 / 10_000).sum() < 156


def test_neighbouring_counters_are_independent() -> None:
    values = randomness.uniform(1, "law", np.arange(100_001))
    assert abs(np.corrcoef(values[1:], values[:-1])[0, 1]) < 0.015
