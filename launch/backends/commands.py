"""What backends share that have no folders, no order of jobs, and a command line of their own."""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from configs.errors import UserError
from launch.jobs import Job

# Kubernetes calls a pod after its job, a part of that and two numbers, and a host's name has 63 letters.
_LONGEST = 40


def name_of(job: Job, folder: Path) -> str:
    """A DNS label that no other submission has: the run's name, and a hash of where the submission is kept."""
    words = re.sub(r"[^a-z0-9]+", "-", job.name.lower()).strip("-")
    digest = hashlib.sha256(str(folder).encode()).hexdigest()[:6]
    return f"{words[: _LONGEST - 7].rstrip('-')}-{digest}"


def threads(job: Job, cpus: int) -> dict[str, str]:
    """The cores of a node are divided among its processes; a container's would take all that it sees."""
    return {"OMP_NUM_THREADS": str(max(1, cpus // (job.processes or 1)))} if job.stage.computes else {}


def output(command: Sequence[str]) -> str:
    """What it prints; raises UserError where it is not here, or with its last lines when it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        raise UserError(f"there is no {command[0]} here; submit where it is installed") from None
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["nothing"]
        raise UserError(f"{command[0]} refused: {'; '.join(said[-3:])}")
    return done.stdout


def refuse_order(job: Job) -> None:
    """Raises UserError for a job that must come after another: these schedulers begin jobs in no order."""
    if job.after:
        first = " and ".join(job.after)
        raise UserError(
            f"--stage {job.stage}: comes after {first}, and this machine begins jobs in no order; submit {first} "
            "alone, and the others when `electra status` says that it is done"
        )


def refuse_outside(job: Job, folder: Path, volumes: Iterable[str]) -> None:
    """Raises UserError for a folder that is below none of the volumes that all nodes mount."""
    for path in (job.folder, job.corpus, folder):
        if not any(path.is_relative_to(volume) for volume in volumes):
            raise UserError(
                f"{path}: is in none of the machine's volumes ({', '.join(volumes)}), so its nodes would not see it; "
                "name a folder below one"
            )
