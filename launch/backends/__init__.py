"""Ways to start jobs, one file for each backend of `launch.machines`.

Those that hand jobs to a scheduler have the functions of `Backend`. `local` has no scheduler: it becomes the job.
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
    """What has become of a job. Unknown: its scheduler is not here, or has forgotten it."""

    kind: Kind
    said: str  # in the scheduler's own words

    @property
    def is_alive(self) -> bool:
        return self.kind in ("waiting", "running")


class Backend(Protocol):
    """`machine` is one of this backend, and `folder` that of a submission (`launch.submissions`)."""

    def render(self, jobs: Sequence[Job], machine: Any, folder: Path) -> dict[str, str]:
        """name in `folder` -> text of all that is handed to the scheduler. Pure: reads and starts nothing.

        Raises UserError for what that scheduler cannot do.
        """
        ...

    def submit(self, jobs: Sequence[Job], machine: Any, folder: Path) -> Iterator[tuple[Stage, str]]:
        """Start what `render` wrote into `folder`, each job behind those it comes after; yields ids of what has begun.

        Jobs that were handed over as one thing have one id. Raises UserError, in the scheduler's words, when that
        refuses.
        """
        ...

    def state(self, machine: Any, stage: Stage, id: str) -> JobState: ...

    def logs(self, machine: Any, folder: Path, stage: Stage, id: str) -> list[Path] | list[str]:
        """The files that the job has printed into; or, where there are none, the command that shows them."""
        ...

    def cancel(self, machine: Any, id: str) -> list[str]:
        """The command that ends the job."""
        ...


def backend_of(machine: Machine) -> Backend:
    assert machine.backend != LOCAL.backend
    return cast(Backend, import_module(f"launch.backends.{machine.backend}"))
