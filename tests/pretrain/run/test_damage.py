"""Any file of a run may be cut or removed: `electra inspect` then names the file, and ends with exit code 2."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from launch.cli import app
from tests.trained import run as run

CHECKPOINT = "checkpoints/step-00000012"
FILES = (
    *("recipe.toml", "metrics.jsonl", "provenance.json", "tokenizer.json", "vocab.txt"),
    *(f"{CHECKPOINT}/{name}" for name in ("manifest.json", "state.json", "recipe.toml", "weights.safetensors")),
    *(f"{CHECKPOINT}/{name}" for name in ("exp_avg.safetensors", "exp_avg_sq.safetensors")),
)
# A run is not resumed from these files: the lock, the events that TensorBoard alone reads, and details of evaluations,
# of which a page leaves out damaged lines.
UNREAD = (".lock", "tensorboard/", "samples.jsonl", "distributions.jsonl")


def inspect(folder: Path) -> tuple[int, str]:
    answer = CliRunner().invoke(app, ["inspect", str(folder)])
    assert answer.exception is None or isinstance(answer.exception, SystemExit), answer.exception
    return answer.exit_code, " ".join(answer.stderr.split())


def test_a_whole_run(run: Path) -> None:
    assert inspect(run) == (0, "")
    names = {path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file()}
    newest = {name for name in names if not name.startswith(("checkpoints/step-00000004", "checkpoints/step-00000008"))}
    assert {name for name in newest if not name.startswith(UNREAD)} == set(FILES)


@pytest.mark.parametrize("is_removed", [False, True])
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_run(run: Path, tmp_path: Path, name: str, is_removed: bool) -> None:
    path = Path(shutil.copytree(run, tmp_path / "run")) / name
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    if is_removed:
        path.unlink()
    code, sentence = inspect(tmp_path / "run")
    place = path.parent if (name, is_removed) == (f"{CHECKPOINT}/manifest.json", True) else path
    assert code == 2
    assert sentence.startswith(f"error: {place}: ")
    assert sentence.count("error: ") == 1 and "Traceback" not in sentence
