"""Counts of entropies, against scipy and numbers worked by hand."""

from __future__ import annotations

import numpy as np
import torch
from scipy.stats import entropy

from pretrain.watch.entropy import count_entropies, entropy_histogram


def test_entropies_are_those_of_scipy() -> None:
    logits = torch.randn(3, 5, 40, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 3
    filled = torch.ones(3, 5, dtype=torch.bool)
    filled[1, 3:] = False
    counts = count_entropies(logits.log_softmax(-1), filled)
    expected = np.asarray(entropy(logits.softmax(-1).numpy(), axis=-1))[filled.numpy()]
    assert np.array_equal(counts[:40].numpy(), np.histogram(expected, bins=np.arange(41) / 8)[0])
    assert counts.sum() == 13


def test_a_histogram_has_its_bins_in_nats() -> None:
    """The entropy of two equally likely tokens is .693, in the bin from .625 on; of one certain token it is 0."""
    certain, equal = [0.0, -200.0], [np.log(0.5), np.log(0.5)]
    counts = count_entropies(torch.tensor([[certain, equal, equal]]), torch.ones(1, 3, dtype=torch.bool))
    histogram = entropy_histogram(counts.numpy())
    assert histogram.borders.tolist() == [0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75]
    assert histogram.counts == (1, 0, 0, 0, 0, 2)


def test_an_entropy_that_is_not_a_number_counts_as_0() -> None:
    counts = count_entropies(torch.full((1, 2, 3), torch.nan), torch.tensor([[True, False]]))
    assert counts[0] == counts.sum() == 1
