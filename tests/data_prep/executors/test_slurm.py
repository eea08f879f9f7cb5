"""Run `prepare --engine slurm` on a real Slurm of two nodes."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.data_prep.conftest import Preparations, fingerprint, finished, holding, wait_until
from tests.slurm import Cluster

ON_SLURM = ("--engine", "slurm", "--sbatch", "partition=all", "--sbatch", "time=10")


@pytest.mark.parametrize(
    "jobs", [pytest.param("1", marks=pytest.mark.slow), "2", pytest.param("5", marks=pytest.mark.slow)]
)
def test_the_bytes_are_those_of_one_machine(
    slurm: Cluster, preparations: Preparations, whole: dict[str, str], tmp_path: Path, jobs: str
) -> None:
    done = preparations.run(tmp_path / "out", *ON_SLURM, "--workers", jobs)
    assert done.returncode == 0, done.stderr
    assert "training rows" in done.stdout
    assert fingerprint(tmp_path / "out") == whole


def second_share(slurm: Cluster) -> Iterator[int]:
    """Yield the process that prepares the second share of the only array of jobs, once it has begun."""
    return slurm.processes("--task", "SLURM_ARRAY_TASK_ID=1")


@pytest.mark.slow
@pytest.mark.parametrize("how", ["kill", "scancel"])
def test_a_job_that_ends_badly_ends_in_a_sentence_and_the_same_command_resumes(
    slurm: Cluster, preparations: Preparations, whole: dict[str, str], tmp_path: Path, how: str
) -> None:
    out = tmp_path / "out"
    with holding(out, 1, 5):  # both are of the second share
        command = preparations.start(out, *ON_SLURM, "--workers", "2")
        wait_until(lambda: finished(out) and list(second_share(slurm)))
        [job] = {line.split("_")[0] for line in slurm.output("squeue", "--noheader", "--array", "--format=%i").split()}
        if how == "kill":
            [second] = second_share(slurm)
            os.kill(second, signal.SIGKILL)
        else:
            slurm.output("scancel", f"{job}_1")
        _, error = command.communicate()
    assert command.returncode == 75
    log = re.search(r"its log is (\S+);", " ".join(error.split()))
    assert log and Path(log.group(1)).is_file(), error
    assert f"job {job}_1 ended as {'FAILED' if how == 'kill' else 'CANCELLED'}" in error
    marks = finished(out)
    with holding(out, 5):
        again = preparations.start(out, *ON_SLURM, "--workers", "2")
        wait_until(lambda: len(finished(out)) > len(marks))
        assert marks.items() <= finished(out).items()
    _, error = again.communicate()
    assert again.returncode == 0, error
    assert fingerprint(out) == whole


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_interrupted_the_jobs_go_on_and_the_same_command_waits_for_them(
    slurm: Cluster, preparations: Preparations, whole: dict[str, str], tmp_path: Path, end: signal.Signals
) -> None:
    out = tmp_path / "out"
    with holding(out, 5):
        command = preparations.start(out, *ON_SLURM, "--workers", "2")
        wait_until(lambda: finished(out))
        jobs = slurm.output("squeue", "--noheader", "--format=%F").split()
        command.send_signal(end)
        _, error = command.communicate()
        job = re.search(r"job (\d+);", error)
        assert job and job.group(1) == jobs[0]
        if end == signal.SIGINT:
            assert command.returncode == 75 and f"job {job.group(1)} keeps running" in error
        again = preparations.start(out, *ON_SLURM, "--workers", "2")
        assert again.stderr and f"job {job.group(1)};" in again.stderr.readline()
    _, error = again.communicate()
    assert again.returncode == 0, error
    assert fingerprint(out) == whole


@pytest.mark.slow
def test_a_lost_node_is_made_good(
    slurm: Cluster, preparations: Preparations, whole: dict[str, str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with holding(out, *range(1, preparations.num_tasks)):  # every share has a task that does not end
        command = preparations.start(out, *ON_SLURM, "--workers", "4")
        wait_until(lambda: finished(out) and slurm.output("squeue", "--noheader", "--nodelist=n2"))
        slurm.kill_node("n2")
    try:
        _, error = command.communicate(timeout=240)
    finally:
        slurm.start_node("n2")
    assert command.returncode == 0, error
    assert fingerprint(out) == whole


def test_bad_input_is_said_where_the_command_was_given(
    slurm: Cluster, tmp_path: Path, preparations: Preparations
) -> None:
    text = tmp_path / "bad.jsonl"
    text.write_text('{"text": "a good line"}\n{"no text": 1}\n')
    done = preparations.run(tmp_path / "out", *ON_SLURM, f"data.sources={text}")
    assert done.returncode == 2, done.stderr
    assert "has no field 'text'" in done.stderr and "its log is" in done.stderr


def test_what_slurm_refuses_is_one_sentence(slurm: Cluster, preparations: Preparations, tmp_path: Path) -> None:
    done = preparations.run(tmp_path / "out", "--engine", "slurm", "--sbatch", "partition=nowhere")
    assert done.returncode == 2
    assert "invalid partition specified: nowhere" in done.stderr and "Traceback" not in done.stderr


def test_without_slurm_a_sentence(preparations: Preparations, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    done = preparations.run(tmp_path / "out", "--engine", "slurm")
    assert done.returncode == 2 and "there is no squeue here" in done.stderr
