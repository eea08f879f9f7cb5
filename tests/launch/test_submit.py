"""Test `electra submit`, `status` and `logs` without a scheduler.

The tests check refusals, stored files, and jobs on this machine.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from configs.common.errors import EXIT_UNFINISHED, UserError
from launch.cli import app
from launch.jobs import Stage
from launch.machines import find
from launch.refusals import refuse_run, refuse_unshared
from launch.submissions import Submission, newest, next_folder, store
from pretrain.run import checkpoint
from tests.conftest import SMALL
from tests.integration.test_run import training

MACHINES = """
[mine]
backend = "slurm"
nodes = 2
gpus = 0
cpus = 3
[gpus]
backend = "slurm"
nodes = 4
gpus = 8
cpus = 64
[lab]
backend = "local"
launcher = "deepspeed"
hostfile = "hosts"
"""
# Stands in for ssh: it runs on this machine the command that DeepSpeed's launcher would run on another machine.
SSH = '#!/bin/sh\nwhile [ "${1#-}" != "$1" ]; do shift 2; done\nshift\nexec sh -c "$*"\n'

Electra = Callable[..., Result]


@pytest.fixture
def electra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Electra:
    """Return a function that runs the command in a folder with a machines.toml, where no scheduler is installed."""
    (tmp_path / "machines.toml").write_text(MACHINES)
    (tmp_path / "hosts").write_text("localhost slots=2  # this one\n\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    return lambda *arguments: CliRunner().invoke(app, [*map(str, arguments)])


def start(*arguments: object, folder: Path, path: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command as a process of its own, which may become the job."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PATH": f"{path}:{os.environ['PATH']}"}
    command = [sys.executable, "-m", "launch.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--on", "mine", "--nodes", "3"], "--nodes 3: the machine mine has 2 nodes"),
        (["--on", "gpus", "--processes", "9"], "--processes 9: a node of gpus has 8 GPUs"),
        (["--on", "mine", "--nodes", "1"], "batch.rows: 8 rows do not divide among 3 processes; start 2"),
        (["--on", "gpus", "--nodes", "2"], "batch.rows: 8 rows do not divide among 16 processes; start 8"),
        (["--on", "gpus", "--launcher", "deepspeed"], "are for a machine of backend local, and this is slurm"),
        (["--on", "gpus", "--stage", "pretrian"], "--stage: unknown stage pretrian; did you mean pretrain"),
        (["--launcher", "deepspeed"], "give --hostfile FILE"),
        (["--launcher", "deepspeed", "--hostfile", "nowhere"], "nowhere: not a hostfile (No such file or directory)"),
        (["--launcher", "deepspeed", "--hostfile", "machines.toml"], "'[mine]' is not NAME slots=GPUS"),
        (["--hostfile", "hosts"], "--hostfile hosts: is for --launcher deepspeed"),
        (["--on", "lab", "--nodes", "2"], "--nodes 2: the machine lab is one node"),
        (["--continue-from", "r@4", "--init-from", "m"], "and --init-from weights alone; give only one"),
        (["--continue-from", "r@4", "--stage", "prepare,pretrain"], "--continue-from r@4: prepare the corpus before"),
        (["--on", "gpus", "--corpus", "nowhere"], "nowhere: no such corpus"),
        (["--on", "gpus"], "there is no sbatch here; go to a login node of the cluster"),
    ],
)
def test_a_refusal_is_one_sentence(
    electra: Electra, corpus_folder: Path, arguments: list[str], sentence: str, tmp_path: Path
) -> None:
    refused = electra("submit", "tiny", "--corpus", corpus_folder, "--run", "run", *arguments, *SMALL)
    assert refused.exit_code == 2, refused.stdout
    assert sentence in refused.stderr
    assert refused.stderr.startswith("error: ") and refused.stderr.count("\n") == 1
    assert not list(tmp_path.glob("run/submit/*/jobs.json"))


def test_machines_are_listed(electra: Electra) -> None:
    shown = [line.split() for line in electra("machines").stdout.splitlines()]
    assert shown[0] == ["local", "local", "1", "node", "always", "there"]
    assert shown[2] == ["gpus", "slurm", "4", "nodes", "of", "8", "GPUs", "machines.toml"]


def test_a_stage_behind_preparation_needs_a_run(electra: Electra) -> None:
    assert "--run: missing; export needs the folder of a run" in electra(
        "submit", "tiny", "--corpus", "corpus", "--stage", "prepare,export"
    ).stderr  # fmt: skip


def test_a_folder_in_memory_is_not_shared(small_disk: Path) -> None:
    with pytest.raises(UserError, match=r"is in the memory of this machine \(tmpfs\), where no node sees it"):
        refuse_unshared(small_disk / "runs" / "new")
    refuse_unshared(Path("/proc"))


def test_a_run_that_somebody_trains_in_is_refused(tmp_path: Path) -> None:
    (tmp_path / "submit").mkdir()
    refuse_run(tmp_path)
    with (tmp_path / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(UserError, match="another process is training this run"):
            refuse_run(tmp_path)
    refuse_run(tmp_path)
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(UserError, match="is not empty and holds no run"):
        refuse_run(tmp_path)


def test_models_that_are_there_are_refused_before_a_run_of_weeks(
    electra: Electra, corpus_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "run" / "export" / "generator").mkdir(parents=True)
    arguments = ("--corpus", corpus_folder, "--run", "run", "--stage", "pretrain,export")
    refused = electra("submit", "tiny", *arguments, *SMALL)
    assert refused.exit_code == 2
    assert "run/export: exists and is not empty; move it away, or leave the stage export out" in refused.stderr


def test_a_dry_run_prints_every_script_and_writes_nothing(electra: Electra, tmp_path: Path) -> None:
    stages = "export,prepare,pretrain"
    shown = electra("submit", "tiny", "--on", "gpus", "--nodes", "2", "--dry-run", "--stage", stages,
                    "--corpus", "c", "--run", "r")  # fmt: skip
    assert shown.exit_code == 0, shown.stderr
    titles = [line for line in shown.stdout.splitlines() if line.startswith("# ---- ")]
    assert titles == [f"# ---- {tmp_path}/r/submit/1/{stage}.sbatch" for stage in ("prepare", "pretrain", "export")]
    assert "#SBATCH --array=0-1" in shown.stdout and "#SBATCH --gpus-per-node=8" in shown.stdout
    assert {path.name for path in tmp_path.iterdir()} == {"machines.toml", "hosts"}


def test_a_branch_is_submitted_with_the_whole_path_of_its_run(electra: Electra, tmp_path: Path) -> None:
    shown = electra("submit", "adapt", "--on", "gpus", "--dry-run", "--corpus", "c", "--run", "r",
                    "--continue-from", "stable@4")  # fmt: skip
    assert shown.exit_code == 0, shown.stderr
    assert f"--continue-from {tmp_path}/stable@4" in " ".join(shown.stdout.replace("\\\n", " ").split())


def test_a_model_is_submitted_with_its_whole_path_or_with_its_name_on_the_hub(electra: Electra, tmp_path: Path) -> None:
    (tmp_path / "models" / "mine").mkdir(parents=True)
    for model, submitted in (("models/mine", f"{tmp_path}/models/mine"), ("google/electra", "google/electra")):
        shown = electra("submit", "adapt", "--on", "gpus", "--dry-run", "--corpus", "c", "--run", "r",
                        "--init-from", model)  # fmt: skip
        assert shown.exit_code == 0, shown.stderr
        assert f"--init-from {submitted}" in " ".join(shown.stdout.replace("\\\n", " ").split())


@pytest.mark.slow
def test_a_pipeline_on_this_machine(electra: Electra, text_file: Path, tmp_path: Path) -> None:
    stages = ("--stage", "prepare,pretrain,export", "--corpus", "c", "--run", "r")
    text = f"data.sources={text_file}"
    done = start("submit", "tiny", *stages, "--processes", "1", *SMALL, text, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "12/12" in done.stdout and "models" in done.stdout
    assert {path.name for path in (tmp_path / "r" / "export").iterdir()} == {"discriminator", "generator"}
    status = electra("status", "r", "c")
    assert "started by hand, or by submit on this machine" in status.stdout
    assert "step 12/12" in status.stdout and "complete" in status.stdout and "the corpus is complete" in status.stdout
    assert "was not submitted to a cluster" in electra("logs", "r").stderr
    assert "holds no run" in electra("status", "nowhere").stderr


def test_where_no_scheduler_is_the_folder_says_what_it_knows(electra: Electra, tmp_path: Path) -> None:
    folder = next_folder(tmp_path / "run")
    assert folder == tmp_path / "run" / "submit" / "1"
    store(folder, {"name": "mine"}, {"pretrain.sbatch": "#!/bin/bash\n"})
    assert newest(tmp_path / "run") is None, "nothing is submitted yet"
    submission = Submission(folder, "gpus", find("gpus"), {Stage.pretrain: "7", Stage.export: "8"})
    submission.write()
    assert newest(tmp_path / "run") == submission
    assert next_folder(tmp_path / "run").name == "2"
    (folder / "pretrain.exit").write_text("0\n")
    status = electra("status", "run")
    assert status.exit_code == 0, status.stderr
    lines = [line.split(maxsplit=2) for line in status.stdout.splitlines()]
    assert lines[0][:2] == ["run:", "on"]
    assert lines[1] == ["pretrain", "7", "left with exit code 0"]
    assert lines[2][:2] == ["export", "8"] and "there is no squeue here" in lines[2][2]
    assert "no job has printed anything yet" in electra("logs", "run").stderr
    (folder / "pretrain-77.log").write_text("another job's\n")
    (folder / "pretrain-7.log").write_text("".join(f"line {number}\n" for number in range(9)))
    assert electra("logs", "run", "--lines", "2").stdout == "==> run/submit/1/pretrain-7.log <==\nline 7\nline 8\n"
    assert "--stage evaluate: was not submitted; there is pretrain, export" in electra(
        "logs", "run", "--stage", "evaluate"
    ).stderr  # fmt: skip
    (folder / "jobs.json").write_text("{")
    assert "jobs.json: not valid JSON" in electra("status", "run").stderr


def test_a_pipeline_ends_with_the_stage_that_fails(tmp_path: Path) -> None:
    stages = ("--stage", "prepare,pretrain", "--corpus", "c", "--run", "r")
    failed = start("submit", "tiny", *stages, "data.sources=no", folder=tmp_path)
    assert failed.returncode == 2
    assert "no does not exist" in failed.stderr and failed.stderr.count("\n") == 1
    assert not (tmp_path / "r").exists()


@pytest.mark.slow
def test_a_stage_of_a_pipeline_is_asked_what_the_pipeline_is_asked(corpus_folder: Path, tmp_path: Path) -> None:
    arguments = ["tiny", "--stage", "pretrain,export", "--corpus", str(corpus_folder), "--run", str(tmp_path / "run")]
    command = [sys.executable, "-m", "launch.cli", "submit", *arguments, "--processes", "1", *SMALL]
    pipeline = subprocess.Popen([*command, "schedule.steps=5000"], stdout=subprocess.PIPE, text=True)
    assert pipeline.stdout and any(line.startswith("step 2/") for line in pipeline.stdout)
    pipeline.send_signal(signal.SIGUSR1)
    output, _ = pipeline.communicate()
    assert pipeline.returncode == EXIT_UNFINISHED, output
    assert "stopped after step" in output
    assert not (tmp_path / "run" / "export").exists()


@pytest.mark.slow
def test_through_deepspeeds_launcher(corpus_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text("localhost slots=2\n")
    (tmp_path / "ssh").write_text(SSH)
    (tmp_path / "ssh").chmod(0o755)
    arguments = ("--launcher", "deepspeed", "--hostfile", "hosts", "--corpus", corpus_folder, "--run", "run")
    done = start("submit", "tiny", *arguments, *SMALL, folder=tmp_path, path=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert list(training(tmp_path / "run")) == list(range(1, 13))
    assert checkpoint.verify(tmp_path / "run" / "checkpoints" / "step-00000012").processes == 2
