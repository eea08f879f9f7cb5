"""These functions are shared by backends whose scheduler is a command that keeps an order of jobs only in one file."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from configs.common.errors import UserError
from launch.jobs import Job

# A name has at most so many characters. Kubernetes names a pod by its job, the job's part and two numbers, and the name
# of a host has at most 63 characters.
_LONGEST = 40
# torchrun's processes find each other by this port of the first node. It is PyTorch's default.
PORT = 29500


@dataclass(frozen=True)
class Bundle:
    """A bundle is the jobs that are handed over in one file: a pipeline, or a single job that waits for no other."""

    jobs: tuple[Job, ...]
    folder: Path  # folder of the submission

    @property
    def is_pipeline(self) -> bool:
        return len(self.jobs) > 1

    @property
    def name(self) -> str:
        """Return a DNS label that no other submission has.

        It consists of the run's name and a hash of the path of the submission.
        """
        label = f"electra-pipeline-{self.jobs[-1].folder.name}" if self.is_pipeline else self.jobs[0].name
        words = re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")
        digest = hashlib.sha256(str(self.folder).encode()).hexdigest()[:6]
        return f"{words[: _LONGEST - 7].rstrip('-')}-{digest}"

    @property
    def file(self) -> Path:
        return self.folder / f"{'pipeline' if self.is_pipeline else self.jobs[0].stage}.yaml"


def bundles(jobs: Sequence[Job], folder: Path) -> list[Bundle]:
    """Return all jobs in one bundle if any job waits for another, and otherwise each job in a bundle of its own."""
    if any(job.after for job in jobs):
        return [Bundle(tuple(jobs), folder)]
    return [Bundle((job,), folder) for job in jobs]


def threads(job: Job, cpus: int) -> dict[str, str]:
    """Return the environment variable that divides the cores of a node among its processes.

    Without it, each process in a container would use all cores that it sees, which are the cores of the whole node.
    """
    return {"OMP_NUM_THREADS": str(max(1, cpus // (job.processes or 1)))} if job.stage.computes else {}


def output(command: Sequence[str]) -> str:
    """Return the output of a command. Raises UserError if it is not installed, or with its last lines if it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        raise UserError(f"there is no {command[0]} here; submit where it is installed") from None
    if done.returncode:
        output = (done.stderr or done.stdout).strip().splitlines() or ["nothing"]
        raise UserError(f"{command[0]} refused: {'; '.join(output[-3:])}")
    return done.stdout


def refuse_outside(bundle: Bundle, volumes: Iterable[str]) -> None:
    """Raise UserError for a folder that is below none of the volumes that all nodes mount."""
    folders = [folder for job in bundle.jobs for folder in (job.folder, job.corpus, *job.inputs)]
    for path in (*folders, bundle.folder):
        # `..` would lead out of a volume.
        if not any(Path(os.path.normpath(path)).is_relative_to(volume) for volume in volumes):
            raise UserError(
                f"{path}: is in none of the machine's volumes ({', '.join(volumes)}), so its nodes would not see it; "
                "name a folder below one"
            )
