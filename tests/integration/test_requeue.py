"""The job script of docs/reliability.md on a real Slurm: warned by SIGUSR1, saved, queued again, finished."""

from __future__ import annotations

import re
import shlex
import time
from pathlib import Path

import pytest

from tests.integration.test_run import training
from tests.integration.test_signals import NUM_STEPS, submitted
from tests.slurm import Cluster

DOCS = Path(__file__).parent.parent.parent / "docs" / "reliability.md"


def job_script(command: str, run: Path) -> str:
    """The script of the documentation, with another command and run."""
    script = re.search(r"```sh\n(#SBATCH.*?)```", DOCS.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert script
    text = re.sub(r"^srun .*$", f"srun {command}", script.group(1), flags=re.MULTILINE)
    return f"#!/bin/bash\n{text}".replace("run/stopped.json", f"{run}/stopped.json")


@pytest.mark.slow
def test_a_warning_puts_the_job_back_into_the_queue(slurm: Cluster, corpus_folder: Path, tmp_path: Path) -> None:
    run, script, log = tmp_path / "run", tmp_path / "job.sh", tmp_path / "log"
    script.write_text(job_script(shlex.join(submitted(corpus_folder, run)), run))
    options = ("--parsable", "--ntasks=1", "--cpus-per-task=2", "--time=10", f"--output={log}", f"--chdir={Path.cwd()}")
    job = slurm.output("sbatch", *options, "--export=ALL,OMP_NUM_THREADS=1", str(script)).strip()
    assert job, "sbatch refused the script"
    while max(training(run), default=0) < 2:
        time.sleep(0.05)
    # To the steps of the job and not to its script, as --signal does.
    slurm.output("scancel", "--signal=USR1", job)
    ended = ""
    deadline = time.monotonic() + 180
    while not re.search(r"JobState=(COMPLETED|FAILED|CANCELLED|TIMEOUT)", ended):
        assert time.monotonic() < deadline, f"{ended}\n{log.read_text()}"
        ended = slurm.output("scontrol", "show", "job", job)
        time.sleep(0.5)
    assert "JobState=COMPLETED" in ended, log.read_text()
    assert "Restarts=1" in ended
    assert "going on after step" in log.read_text()
    assert list(training(run)) == list(range(1, NUM_STEPS + 1))
