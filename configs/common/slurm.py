"""This module calls Slurm's commands and reads the states of jobs."""

from __future__ import annotations

import shutil
import subprocess

from configs.common.errors import Unfinished, UserError

_ENDED_BADLY = (
    *("BOOT_FAIL", "CANCELLED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED", "REVOKED"),
    *("REQUEUE_HOLD", "SPECIAL_EXIT", "TIMEOUT"),
)


def slurm(program: str, *arguments: str) -> str:
    """Return the output of a command of Slurm. It is empty for a job that Slurm has forgotten.

    Raises UserError if Slurm is not installed or refuses a submission, and Unfinished if it does not answer.
    """
    if not shutil.which(program):
        raise UserError(f"there is no {program} here; go to a login node of the cluster")
    done = subprocess.run([program, *arguments], capture_output=True, text=True)
    if done.returncode and "Invalid job id" not in done.stderr:
        lines = done.stderr.strip().splitlines()
        kind = UserError if program == "sbatch" else Unfinished
        raise kind(f"{program}: {lines[0] if lines else f'exit code {done.returncode}'}")
    return done.stdout.strip()


def states_of(job: str) -> dict[str, tuple[str, str]]:
    """Return (state, reason) by array index for the jobs that Slurm still knows.

    Slurm forgets an ended job after some minutes. A job that is not an array has the index N/A.
    """
    fields = "--Format=ArrayTaskID:|,State:|,Reason:|"
    lines = slurm("squeue", "--noheader", "--array", "--states=all", f"--job={job}", fields).splitlines()
    return {index: (state, reason) for index, state, reason, *_ in (line.split("|") for line in lines if line)}


def failure_of(state: str, reason: str) -> str | None:
    """Return the state or the reason that shows that a job has failed, or is held until somebody intervenes.

    Return None for any other job.
    """
    if state in _ENDED_BADLY:
        return state
    return reason if "held" in reason.lower() else None
