"""Histograms that a run keeps, with numbers worked by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pretrain.run.distributions import Distributions, histograms, read_distributions
from tests.trained import run as run


def test_bins_that_all_histograms_leave_empty_are_dropped_at_both_ends() -> None:
    first, second = histograms(-2.0, 0.5, np.array([[0, 0, 3, 0, 1, 0.0], [0, 4, 0, 0, 0, 0]]))
    assert first.borders.tolist() == second.borders.tolist() == [-1.5, -1, -0.5, 0, 0.5]
    assert (first.counts, second.counts) == ((0, 3, 0, 1), (4, 0, 0, 0))


def test_counts_that_are_all_0_make_a_histogram_without_bins() -> None:
    (histogram,) = histograms(0.0, 0.5, np.zeros((1, 4)))
    assert histogram.counts == ()


def test_a_run_keeps_the_distributions_of_each_evaluation(run: Path) -> None:
    lines = read_distributions(run)
    assert [(line.kind, line.step) for line in lines] == [("evaluation", step) for step in (6, 12)]
    assert all(_is_whole(line) for line in lines)


def _is_whole(line: Distributions) -> bool:
    """All evaluations see the same slots and tokens."""
    assert line.original_logits and line.replaced_logits
    return sum(line.entropy.counts) > 100 and sum(line.original_logits.counts) > sum(line.replaced_logits.counts) > 0
