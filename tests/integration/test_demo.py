"""Run `make demo` as a user does after the installation; the demo itself fails when the pair did not learn."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_the_demo(tmp_path: Path) -> None:
    finished = subprocess.run([sys.executable, "-m", "launch.demo"], cwd=tmp_path, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert finished.stdout.count(": largest difference ") == 2
    assert "Done in" in finished.stdout
    assert "Traceback" not in finished.stderr
    made = {path.name for path in (tmp_path / "demo").iterdir()}
    assert made == {"text", "corpus", "run", "models"}
