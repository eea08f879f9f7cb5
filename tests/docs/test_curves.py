"""The picture of a run: its points are those of metrics.jsonl, and the file is a picture."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from docs.curves import draw, points


@pytest.fixture
def run(tmp_path: Path) -> Path:
    lines = [
        {"kind": "evaluation", "step": 0, "mlm_loss": 9.0, "masked_accuracy": 0.0, "auc": 0.5},
        {"kind": "training", "step": 10, "mlm_loss": 7.0, "masked_accuracy": 0.1},
        {"kind": "training", "step": 20, "mlm_loss": None, "masked_accuracy": 0.2},
        {"kind": "general", "step": 20, "mlm_loss": 8.0, "masked_accuracy": 0.1, "auc": 0.5},
        {"kind": "evaluation", "step": 20, "mlm_loss": 6.0, "masked_accuracy": 0.3, "auc": 0.6},
    ]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return tmp_path


def test_points_are_those_of_one_kind_without_skipped_steps(run: Path) -> None:
    assert points(run, "training", "mlm_loss") == ([10], [7.0])
    assert points(run, "evaluation", "auc") == ([0, 20], [0.5, 0.6])


def test_the_picture_is_written(run: Path) -> None:
    draw(run, run / "curves.png")
    assert (run / "curves.png").read_bytes().startswith(b"\x89PNG")
