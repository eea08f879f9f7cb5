"""A backend is a way to start jobs. Each backend of `launch.machines` has a file here.

Backends with a scheduler have the functions of `Backend`. `local` has no scheduler: its process becomes the job.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Protocol, cast

from launch.jobs import Job, Stage
from launch.machines import LOCAL, Machine

Kind = Literal["waiting", "running", "done", "failed", "unknown"]


@dataclass(frozen=True)
class JobState:
    """Hold the state of a job. It is unknown if its scheduler cannot be reached from here, or has forgotten the job."""

    kind: Kind
    text: str  # the state in the scheduler's own words

    @property
    def is_alive(self) -> bool:
        return self.kind in ("waiting", "running")


class Backend(Protocol):
    """These are the functions of a backend. `machine` is a machine of this backend.

    `folder` is the folder of a submission (`launch.submissions`).
    """

    def render(self, jobs: Sequence[Job], machine: Any, folder: Path) -> dict[str, str]:
        """Return the text of all files for the scheduler, by their names in `folder`.

        The function is pure: it reads and starts nothing. Raises UserError for jobs that the scheduler cannot do.
        """
        ...

    def submit(self, jobs: Sequence[Job], machine: Any, folder: Path) -> Iterator[tuple[Stage, str]]:
        """Start the jobs whose files are in `folder`, and yield the stage and the id of each job that has been started.

        The scheduler is told to begin a job after the jobs in its `after`. Jobs that are handed over in a single file
        have the same id. Raises UserError, in the scheduler's words, if the scheduler refuses.
        """
        ...

    def state(self, machine: Any, stage: Stage, id: str) -> JobState: ...

    def logs(self, machine: Any, folder: Path, stage: Stage, id: str) -> list[Path] | list[str]:
        """Return the log files of the job, or the command that shows its log if the backend has no log files."""
        ...

    def cancel(self, machine: Any, id: str) -> list[str]:
        """Return the command that ends the job."""
        ...


def backend_of(machine: Machine) -> Backend:
    assert machine.backend != LOCAL.backend
    return cast(Backend, import_module(f"launch.backends.{machine.backend}"))
