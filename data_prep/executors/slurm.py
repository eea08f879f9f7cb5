"""Runs tasks on Slurm: in an array of jobs, each `electra prepare ... --task i/n`. One process waits for the jobs.

squeue asks Slurm's controller which jobs are alive. So a job can be found again without Slurm's accounting and without
a file of our own.
"""

from __future__ import annotations

import hashlib
import shlex
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from configs.common.errors import Unfinished, UserError
from configs.common.files import make_folder
from configs.common.slurm import failure_of, slurm, states_of
from configs.folders import WORK

# The time between two requests to Slurm's controller. It serves a whole cluster, so we do not ask more often.
_POLL_SECONDS = 5


@dataclass(frozen=True)
class Array:
    """The job array of one corpus. Its name in Slurm is computed from the path of the folder."""

    out: Path

    @property
    def logs(self) -> Path:
        return self.out / WORK / "slurm"

    @property
    def name(self) -> str:
        return f"electra-prepare-{hashlib.sha256(str(self.out.absolute()).encode()).hexdigest()[:12]}"

    def find(self) -> str | None:
        """Return the number of the array that is queued, running or suspended for this folder, or None.

        An array that is being ended does not count.
        """
        alive = "--states=PENDING,RUNNING,SUSPENDED"
        listed = slurm("squeue", "--noheader", "--me", f"--name={self.name}", alive, "--format=%F").split()
        return listed[0] if listed else None

    def submit(self, arguments: Sequence[str], shares: Iterable[int], count: int, options: Sequence[str]) -> str:
        """Queue a job for each of the `shares` out of `count`, which runs `prepare` with `arguments`.

        `options` are options of sbatch. Returns the number of the array. Raises UserError when Slurm refuses.
        """
        make_folder(self.logs)
        work = [sys.executable, "-m", "data_prep", "prepare", *arguments, "--out", str(self.out)]
        # A job uses all cores that Slurm gives it on its node. A job that Slurm requeues does the same share again.
        command = f'exec {shlex.join(work)} --task "$SLURM_ARRAY_TASK_ID/{count}" --workers "$SLURM_CPUS_ON_NODE"'
        fixed_options = [
            f"--job-name={self.name}",
            f"--array={','.join(map(str, shares))}",
            "--requeue",
            "--open-mode=append",
        ]
        log = f"{str(self.logs).replace('%', '%%')}/%A_%a.log"
        user_options = [f"--{option}" for option in options]
        return slurm(
            "sbatch", "--parsable", *user_options, *fixed_options, f"--output={log}", f"--wrap={command}"
        ).partition(";")[0]

    def wait(self, job: str) -> None:
        """Return when every job of the array has completed. If a job fails, end the other jobs and raise an error."""
        while states := states_of(job):
            for share, (state, reason) in states.items():
                if failure := failure_of(state, reason):
                    self._give_up(job, share, failure)
            if all(state == "COMPLETED" for state, _ in states.values()):
                return
            time.sleep(_POLL_SECONDS)

    def _give_up(self, job: str, share: str, state: str) -> None:
        bad_input = "ExitCode=2:0" in slurm("scontrol", "show", "job", f"{job}_{share}")
        slurm("scancel", job)
        log = self.logs / f"{job}_{share}.log"
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        last_line = f" ({lines[-1]})" if lines else ""
        sentence = f"{self.out}: job {job}_{share} ended as {state}{last_line}; its log is {log}"
        if bad_input:
            raise UserError(sentence)
        raise Unfinished(f"{sentence}; the same command continues from the finished tasks")
