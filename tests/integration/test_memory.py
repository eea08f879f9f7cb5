"""Training for long takes no more memory than training for a moment."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.train_memory import growth, measure
from tests.conftest import SMALL


@pytest.mark.slow
def test_memory_does_not_grow_with_the_steps(corpus_folder: Path, tmp_path: Path) -> None:
    """A batch of 256 rows is 0.3 MB on each of two processes; keeping one a step would grow by that."""
    overrides = [*SMALL, "batch.rows=256", "batch.micro_rows=128"]
    for memory in measure("tiny", corpus_folder, tmp_path / "run", 400, 2, overrides):
        assert growth(memory) < 20_000
