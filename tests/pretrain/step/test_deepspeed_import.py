"""DeepSpeed does not load MLflow, and a run that tracks with MLflow still finds it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import sys, torch
from pretrain.step.deepspeed_import import import_deepspeed
from pretrain.step.world import World
{before}
deepspeed = import_deepspeed(World(0, 1, torch.device("cpu"), None))
assert deepspeed.initialize
print("mlflow" in sys.modules)
import mlflow
print(mlflow.VERSION)
"""


@pytest.mark.parametrize(("before", "loaded"), [("", "False"), ("import mlflow", "True")])
def test_mlflow_is_loaded_only_if_the_run_has_loaded_it(tmp_path: Path, before: str, loaded: str) -> None:
    """This folder comes first in the path, so its file is MLflow, whether MLflow is installed or not."""
    (tmp_path / "mlflow.py").write_text("VERSION = 'of the test'\n")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    program = PROGRAM.format(before=before)
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [loaded, "of the test"]
