"""No file of a run or a corpus holds a password or the environment, and nothing is unpickled."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

from pretrain.export.folder import export
from tests.conftest import SMALL
from tests.test_architecture import ROOMS, ROOT

SECRET = "correct-horse-battery"
# These modules run code that a file holds.
UNPICKLES = ("pickle", "cloudpickle", "dill", "joblib", "shelve")


def test_secrets_stay_out_of_all_files(text_file: Path, tmp_path: Path) -> None:
    corpus, run, source = tmp_path / "corpus", tmp_path / "run", f"data.sources=file://me:{SECRET}@{text_file}?{SECRET}"
    # Pretraining opens no source, so any URL is accepted.
    environment = os.environ | {"HF_TOKEN": SECRET, "AWS_SECRET_ACCESS_KEY": SECRET}
    prepared = subprocess.run(
        [
            sys.executable,
            "-m",
            "data_prep",
            "prepare",
            "tiny",
            *SMALL,
            f"data.sources={text_file}",
            "--out",
            str(corpus),
        ],
        env=environment,
        capture_output=True,
    )
    assert prepared.returncode == 0, prepared.stderr
    trained = subprocess.run(
        [
            sys.executable,
            "-m",
            "pretrain",
            "pretrain",
            "tiny",
            *SMALL,
            source,
            "--corpus",
            str(corpus),
            "--run",
            str(run),
        ],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert trained.returncode == 0, trained.stderr
    assert SECRET not in trained.stdout + trained.stderr
    export(str(run), tmp_path / "models")
    holding = [path for path in tmp_path.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
    assert not holding


def test_nothing_is_unpickled() -> None:
    """Checkpoints are safetensors, rows are arrays without objects, and everything else is JSON and TOML.

    Models of other projects may be pickles. An unpickler that knows only arrays reads PaddleNLP's pickles
    (test_released.py). torch's unpickler reads transformers' old pickles, and is told the same restriction.
    """
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
                    names = [] if names == ["UnpicklingError", "pickle"] else names  # an error alone unpickles nothing
                    unpickles = any(name.partition(".")[0] in UNPICKLES for name in names)
                    assert not unpickles or path.name == "paddle.py", path
                if isinstance(node, ast.Call):
                    called = ast.unparse(node.func)
                    assert called not in ("pickle.load", "pickle.loads", "pd.read_pickle", "eval", "exec"), path
                    safe = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
                    assert called != "torch.load" or safe.get("weights_only") == "True", path
                    assert called != "np.load" or safe.get("allow_pickle") == "False", path
                    assert "trust_remote_code" not in safe, path
