"""Every epoch visits every row once, in an order that the seed alone decides."""

from __future__ import annotations

import numpy as np
import pytest

from configs.training_tables import RowOrder
from pretrain.step import order
from pretrain.step.order import rows_at


@pytest.mark.parametrize("kind", ["shuffled", "sources"])
@pytest.mark.parametrize("num_rows", [1, 2, 7, 1000, 1024, 5000, 70_000])
def test_every_epoch_is_a_permutation(num_rows: int, kind: RowOrder) -> None:
    rows, epochs = rows_at(np.arange(3 * num_rows), num_rows, 1, kind)
    assert np.array_equal(epochs, np.repeat([0, 1, 2], num_rows))
    for epoch in range(3):
        assert np.array_equal(np.sort(rows[epochs == epoch]), np.arange(num_rows))


def test_epochs_and_seeds_differ() -> None:
    first, second = rows_at(np.arange(2000), 1000, seed=1)[0].reshape(2, -1)
    other = rows_at(np.arange(1000), 1000, seed=2)[0]
    assert (first == second).mean() < 0.02
    assert (first == other).mean() < 0.02


def test_in_the_order_of_sources_rows_are_mixed_within_their_block() -> None:
    rows, _ = rows_at(np.arange(2 * 70_000), 70_000, 1, "sources")
    first, second = rows.reshape(2, -1)
    assert np.array_equal(first // 1024, np.arange(70_000) // 1024)
    assert np.array_equal(second // 1024, np.arange(70_000) // 1024)
    # The mean distance of two places of a block is a third of 1,024.
    assert np.abs(first - np.arange(70_000)).mean() == pytest.approx(1024 / 3, rel=0.02)
    assert (first == second).mean() < 0.002
    assert (first[:1024] == first[1024:2048] - 1024).mean() < 0.01


def test_a_position_needs_no_other() -> None:
    positions = np.array([150_000, 3, 99_999])
    together, _ = rows_at(np.arange(200_000), 70_000, seed=5)
    assert np.array_equal(rows_at(positions, 70_000, seed=5)[0], together[positions])


def test_a_batch_mixes_the_corpus_and_reads_near_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order, "WINDOW", 8 * 1024)
    rows, _ = rows_at(np.arange(8 * 1024), 200_000, seed=1)
    # a window reads eight blocks of the corpus, some of them cut in two by the shift
    assert len(np.unique(rows // 1024)) <= 2 * 8 + 1
    # and 128 rows of it come from all of them
    assert len(np.unique(rows[:128] // 1024)) >= 8


def test_no_row_is_favoured() -> None:
    starts = [rows_at(np.arange(10), 1000, seed=seed)[0] for seed in range(2000)]
    counts = np.bincount(np.concatenate(starts), minlength=1000)
    # 20 expected; chi-square with 999 degrees of freedom is above 1170 once in 10,000
    assert ((counts - 20) ** 2 / 20).sum() < 1170
