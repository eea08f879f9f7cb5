"""The benchmark of fine-tuning trains and scores every way on the same examples."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.finetune import WAYS, Measured, Work, table
from tests.pretrain.evaluation.tasks.conftest import model, models
from tests.pretrain.evaluation.tasks.toy import FAST, classes, task

__all__ = ["model", "models"]  # fixtures


@pytest.mark.parametrize("way", WAYS)
def test_every_way_learns_the_task(way: str, model: Path, tmp_path: Path) -> None:
    overrides = (*FAST, "learning_rate=1e-3", "epochs=10")
    measured = Work(str(model), task(tmp_path, classes), 160, 40, overrides).measure(way, seed=1)
    assert measured.training > 0 and measured.prediction > 0
    assert measured.score > 0.9


def test_the_table_holds_medians_ratios_and_the_spread() -> None:
    ours = [Measured(1.0, 0.5, 0.7), Measured(2.0, 0.5, 0.8), Measured(3.0, 0.5, 0.9)]
    other = [Measured(4.0, 1.0, 0.6), Measured(5.0, 1.0, 0.6), Measured(9.0, 1.0, 0.6)]
    assert table({"ours": ours, "Trainer": other}).splitlines()[2:] == [
        "| ours | 2.0 |  | 0.5 |  | 0.800 ± 0.100 |",
        "| Trainer | 5.0 | 2.50x | 1.0 | 2.00x | 0.600 ± 0.000 |",
    ]
