"""What backends share that keep an order of jobs only within one file, and have a command line of their own."""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from configs.common.errors import UserError
from launch.jobs import Job

# Kubernetes calls a pod after its job, a part of that and two numbers, and a host's name has 63 letters.
_LONGEST = 40
# Of the first node, by which torchrun's processes find each other; PyTorch's own.
PORT = 29500


@dataclass(frozen=True)
class Bundle:
    """Jobs that are handed over as one file: a pipeline, or a job for which none waits and that waits for none."""

    jobs: tuple[Job, ...]
    folder: Path  # of the submission

    @property
    def is_pipeline(self) -> bool:
        return len(self.jobs) > 1

    @property
    def name(self) -> str:
        """A DNS label that no other submission has: the run's name, and a hash of where the submission is kept."""
        said = f"electra-pipeline-{self.jobs[-1].folder.name}" if self.is_pipeline else self.jobs[0].name
        words = re.sub(r"[^a-z0-9]+", "-", said.lower()).strip("-")
        digest = hashlib.sha256(str(self.folder).encode()).hexdigest()[:6]
        return f"{words[: _LONGEST - 7].rstrip('-')}-{digest}"

    @property
    def file(self) -> Path:
        return self.folder / f"{'pipeline' if self.is_pipeline else self.jobs[0].stage}.yaml"


def bundles(jobs: Sequence[Job], folder: Path) -> list[Bundle]:
    """All of them as one where there is an order, else each alone."""
    if any(job.after for job in jobs):
        return [Bundle(tuple(jobs), folder)]
    return [Bundle((job,), folder) for job in jobs]


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


def refuse_outside(bundle: Bundle, volumes: Iterable[str]) -> None:
    """Raises UserError for a folder that is below none of the volumes that all nodes mount."""
    folders = [folder for job in bundle.jobs for folder in (job.folder, job.corpus)]
    for path in (*folders, bundle.folder):
        if not any(path.is_relative_to(volume) for volume in volumes):
            raise UserError(
                f"{path}: is in none of the machine's volumes ({', '.join(volumes)}), so its nodes would not see it; "
                "name a folder below one"
            )
