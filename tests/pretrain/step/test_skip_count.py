"""The counts of skipped steps."""

from __future__ import annotations

import torch

from pretrain.step.skip_count import SkipCount


def test_steps_are_counted_by_the_norm_of_their_gradients() -> None:
    skips = SkipCount(torch.device("cpu"))
    history = []
    for norm in (1.0, torch.nan, torch.inf, 2.0, torch.inf):
        skips.add(torch.tensor(norm))
        history.append((skips.total, skips.in_a_row, skips.recently_in_a_row))
    assert history == [(0, 0, 0), (1, 1, 1), (2, 2, 2), (2, 0, 0), (3, 1, 1)]


def test_a_checkpoint_restores_the_total() -> None:
    skips = SkipCount(torch.device("cpu"))
    skips.restore(5)
    skips.add(torch.tensor(torch.inf))
    assert (skips.total, skips.in_a_row) == (6, 1)
