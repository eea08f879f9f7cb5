"""`electra sweep` on a command line: finished sweeps, dry runs and refusals."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from configs.common.files import read_json
from launch.cli import app
from launch.sweep.definition import Sweep
from tests.launch.sweep.conftest import RECIPES, Write

FINISHED = RECIPES.partition("[recipes.wide]")[0]
MACHINES = """
[gpus]
backend = "slurm"
nodes = 2
gpus = 8
cpus = 8
[mine]
backend = "slurm"
nodes = 1
gpus = 0
cpus = 3
"""


def electra(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["sweep", *map(str, arguments)])


def test_a_finished_sweep_is_compared_again_at_once(sweep: Sweep, out: Path, write: Write, tmp_path: Path) -> None:
    file = write(tmp_path, FINISHED)
    done = electra(file, "--out", out, "--json", tmp_path / "deep" / "numbers.json")
    assert done.exit_code == 0, done.output
    assert f"is finished: {out / 'runs' / 'fast' / 'seed-2'}" in done.stdout
    assert "$ " not in done.stdout and "mlm loss, lower is better" in done.stdout
    assert (out / "sweep.txt").read_text() in done.stdout
    assert "<h1>Sweep rates</h1>" in (out / "sweep.html").read_text()
    numbers = read_json(tmp_path / "deep" / "numbers.json")
    assert numbers["baseline"] == "published" and list(numbers["recipes"]) == ["published", "fast"]
    # The baseline may be any of the recipes.
    again = electra(write(tmp_path, FINISHED, baseline="fast"), "--out", out)
    assert "minus fast (95 %)" in again.stdout


def test_a_dry_run_writes_nothing(write: Write, tmp_path: Path) -> None:
    shown = electra(write(tmp_path, RECIPES), "--out", tmp_path / "out", "--dry-run")
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.splitlines()[0].startswith("published, seed 1: not begun; ")
    assert "6 of 6 runs are left: " in shown.stdout and "about" in shown.stdout
    assert "an estimate, measured with one process on this machine at this moment; nothing was written" in shown.stdout
    assert not (tmp_path / "out").exists()


def test_a_dry_run_for_another_machine(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "machines.toml").write_text(MACHINES)
    file, out = write(tmp_path, FINISHED), Path("/proc/out")  # a folder that is not in memory
    arguments = (file, "--out", out, "--dry-run", "--on", "gpus")
    assert "without times, because --gpu does not say" in electra(*arguments).stdout
    shown = electra(*arguments, "--gpu", "h200").stdout
    assert "at the slower end of the range of electra plan for 8 x h200" in shown and "about" in shown


@pytest.mark.parametrize(
    ("recipes", "arguments", "sentence"),
    [
        ("[recipes.a]\nmodel.dropot = 0.1", (), "unknown key model.dropot; did you mean model.dropout?"),
        ("[recipes.a]", ("--gpu", "h200"), "--gpu: is for --dry-run"),
        ("[recipes.a]", ("--on", "moon"), "--on: unknown machine moon"),
        ("[recipes.a]", ("--on", "gpus", "--nodes", 3), "--nodes 3: the machine gpus has 2 nodes"),
        ("[recipes.a]", ("--on", "mine"), "batch.rows: 8 rows do not divide among 3 processes"),
        ("[recipes.a]", ("--dry-run", "--gpu", "h20"), "--gpu: unknown GPU h20; did you mean h200?"),
        ("[recipes.a]", ("--out", "."), "holds machines.toml, which is no part of a sweep"),
    ],
)
def test_a_refusal_is_one_sentence(
    recipes: str,
    arguments: tuple[object, ...],
    sentence: str,
    write: Write,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "machines.toml").write_text(MACHINES)
    refused = electra(write(tmp_path, recipes), *(() if "--out" in arguments else ("--out", "out")), *arguments)
    assert refused.exit_code == 2, refused.output
    assert sentence in refused.stderr
    assert refused.stderr.startswith("error: ") and refused.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_without_matplotlib(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    refused = electra(write(tmp_path, "[recipes.a]"), "--out", tmp_path / "out")
    assert refused.exit_code == 2 and "pip install 'electra-pretraining[report]'" in refused.stderr


def test_lines_for_scripts(sweep: Sweep, out: Path, write: Write, tmp_path: Path) -> None:
    arguments = ["--json", "sweep", str(write(tmp_path, FINISHED)), "--out", str(out)]
    done = subprocess.run([sys.executable, "-m", "launch.cli", *arguments], capture_output=True, text=True)
    (line,) = map(json.loads, done.stdout.splitlines())
    assert (done.returncode, line["kind"], line["page"]) == (0, "sweep", str(out / "sweep.html"))
    assert line["recipes"]["fast"]["finished_runs"] == 2
