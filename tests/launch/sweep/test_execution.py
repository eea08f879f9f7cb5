"""The runs of a sweep are trained by real processes, which are interrupted, and by a real Slurm."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from configs.common.errors import EXIT_UNFINISHED, Unfinished, UserError
from configs.common.files import read_json
from launch.machines import LOCAL, Slurm
from launch.processes import locked
from launch.sweep.definition import Sweep
from launch.sweep.execution import job_of, submit_all, train_here
from pretrain.run.logs import read_metrics
from tests.launch.sweep.conftest import Write
from tests.slurm import Cluster

TWO = "[recipes.published]\n[recipes.fast]\noptimizer.learning_rate = 1e-2\n"
MACHINES = '[tests]\nbackend = "slurm"\nnodes = 2\ngpus = 0\ncpus = 1\npartition = "all"\ntime = "10"\nwarning = 60\n'


def test_a_run_is_a_job_of_pretraining(sweep: Sweep) -> None:
    trial = sweep.trials[1]
    command = job_of(trial, LOCAL).command()
    assert command[:3] == ["-m", "pretrain", "pretrain"] and str(trial.run) in command
    assert command[-3:] == ["optimizer.learning_rate=0.01", 'name="fast"', "seed=1"]


def test_finished_runs_are_skipped_and_a_request_to_stop_is_heard(sweep: Sweep, tmp_path: Path) -> None:
    console = Console(file=StringIO(), width=500)
    with locked(tmp_path, lambda: False) as lock:
        assert train_here(sweep.trials[:5], LOCAL, lock, lambda: False, console) == []
        with pytest.raises(Unfinished, match="stopped before wide, seed 2; the same command resumes there"):
            train_here(sweep.trials[5:], LOCAL, lock, lambda: True, console)
    assert isinstance(console.file, StringIO)
    assert f"[5/5] fast, seed 2\nis finished: {sweep.trials[4].run}\n" in console.file.getvalue()
    assert "$ " not in console.file.getvalue() and not sweep.trials[5].run.exists()


def test_a_scheduler_that_refuses_is_quoted(sweep: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    machine = Slurm(backend="slurm", nodes=1, gpus=0, cpus=1)
    assert list(submit_all(sweep.trials[:5], "lab", machine, Console(file=StringIO()))) == []
    monkeypatch.setattr("launch.submit.refuse_unshared", lambda folder: None)  # the folders of tests may be in memory
    with pytest.raises(UserError, match="there is no sbatch here"):
        list(submit_all(sweep.trials[5:], "lab", machine, Console(file=StringIO())))


def start(file: Path, out: Path, *more: str) -> subprocess.Popen[str]:
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "launch.cli", "sweep", str(file), "--out", str(out), *more]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment, cwd=file.parent)


@pytest.mark.slow
def test_an_interrupted_sweep_resumes_and_a_run_that_fails_keeps_no_other_waiting(write: Write, tmp_path: Path) -> None:
    """The second run cannot begin, because a folder of its name holds something else."""
    recipes = TWO.replace(
        "[recipes.fast]", "[recipes.fast]\nschedule.steps = 200\nrun.evaluate_every = 100\nrun.save_every = 100"
    )
    file, out = write(tmp_path, recipes, seeds=[1]), tmp_path / "out"
    process = start(file, out, "--processes", "1")
    fast, published = (out / "runs" / name / "seed-1" for name in ("fast", "published"))
    while max((line["step"] for line in read_metrics(fast)), default=0) < 10:
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    output, error = process.communicate()
    assert process.returncode == EXIT_UNFINISHED, output + error
    assert "stopped in fast, seed 1; the same command resumes there" in error
    assert "1 of 2 runs are finished" in (out / "sweep.txt").read_text()
    before = (published / "metrics.jsonl").read_bytes()
    # The same run is now shorter than it has already become, which is another recipe.
    write(tmp_path, TWO, seeds=[1])
    process = start(file, out, "--processes", "1")
    assert "has schedule.steps = 200" in process.communicate()[1] and process.returncode == 2
    write(tmp_path, recipes + "[recipes.third]\nmodel.generator.hidden = 8\n", seeds=[1])
    (out / "runs" / "third").mkdir()
    (out / "runs" / "third" / "seed-1").mkdir()
    (out / "runs" / "third" / "seed-1" / "thesis.tex").touch()
    process = start(file, out, "--processes", "1", "--json", str(out / "sweep.json"))
    output, error = process.communicate()
    assert process.returncode == 2 and "is not empty and holds no run" in error
    assert "seed-1: ended with exit code 2; the same command resumes it" in error
    assert "resuming after step" in output and f"is finished: {published}" in output
    assert (published / "metrics.jsonl").read_bytes() == before
    recipes_of = read_json(out / "sweep.json")["recipes"]
    assert [recipe["finished_runs"] for recipe in recipes_of.values()] == [1, 1, 0]


@pytest.mark.slow
def test_a_sweep_on_slurm(slurm: Cluster, write: Write, tmp_path: Path) -> None:
    (tmp_path / "machines.toml").write_text(MACHINES)
    file, out = write(tmp_path, TWO, seeds=[3]), tmp_path / "out"
    process = start(file, out, "--on", "tests", "--watch")
    output, error = process.communicate()
    if "is in the memory of this machine" in error:
        pytest.skip("the folders of tests are in memory here; give --basetemp a folder on a disk")
    assert process.returncode == 0, output + error
    assert "published, seed 3: job " in output and "fast, seed 3: job " in output
    assert "0 of 2 runs are finished" in output
    assert "runs are finished" not in (out / "sweep.txt").read_text()
    assert (out / "sweep.html").is_file()
