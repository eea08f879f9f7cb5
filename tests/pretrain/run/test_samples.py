"""Samples that a run keeps: the same rows and slots in each evaluation."""

from __future__ import annotations

from pathlib import Path

from pretrain.run.samples import read_samples
from tests.trained import run as run


def test_a_run_keeps_the_same_rows_of_each_evaluation(run: Path) -> None:
    samples = read_samples(run)
    assert [(line.kind, line.step) for line in samples] == [("evaluation", step) for step in (6, 12)]
    seen = [
        [(row.row, row.tokens, [(slot.position, slot.shown) for slot in row.slots]) for row in line.rows]
        for line in samples
    ]
    assert seen[0] == seen[1]
    assert len(seen[0]) == 4


def test_the_suspicion_changes_with_training(run: Path) -> None:
    first, *_, last = read_samples(run)
    assert all(len(row.suspicion or ()) == len(row.tokens) for row in first.rows)
    assert [row.suspicion for row in first.rows] != [row.suspicion for row in last.rows]
