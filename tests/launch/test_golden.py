"""Compare the files that schedulers receive with golden files that a person can read.

`python -m tests.launch.test_golden` writes the golden files again.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.launch.backends import test_kubernetes, test_skypilot, test_slurm

GOLDEN = Path(__file__).parent / "golden"
RENDERED = test_kubernetes.RENDERED | test_skypilot.RENDERED | test_slurm.RENDERED


@pytest.mark.parametrize("name", RENDERED)
def test_a_file_is_what_it_was(name: str) -> None:
    assert RENDERED[name] == (GOLDEN / name).read_text(encoding="utf-8")


def test_nothing_is_golden_that_is_not_rendered() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == set(RENDERED)


if __name__ == "__main__":
    for file, text in RENDERED.items():
        (GOLDEN / file).write_text(text, encoding="utf-8")
