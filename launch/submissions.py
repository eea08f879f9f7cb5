"""A submission holds all that was handed to a scheduler. It is kept in the folder of the run.

If only a corpus is made, the submission is kept in the folder of the corpus.

RUN/submit/1/  holds the scripts, which people may read and edit; recipe.toml, code.json, code.diff; the jobs' logs;
               and jobs.json {machine, jobs}, which is written last: its presence means "submitted"
RUN/submit/2/  holds the next submission
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from configs.common.clock import utc_now
from configs.common.errors import UserError
from configs.common.files import make_folder, read_json, whole_folder, write_json, write_text
from configs.folders import RECIPE, SUBMITTED
from configs.load import validate
from configs.schema import Table
from launch.backends import Backend, JobState, backend_of
from launch.jobs import Stage
from launch.machines import Machine, machine_of
from launch.snapshot import DIFF, code_of

JOBS, CODE = "jobs.json", "code.json"


class _Jobs(Table):
    """Define the content of jobs.json.

    It includes the machine, so that other people can find a job without the machines.toml of its owner.
    """

    time: str
    name: str
    machine: dict[str, Any]
    jobs: dict[str, str]  # id by stage; all stages of a pipeline that is a single object have the same id


@dataclass(frozen=True)
class Submission:
    """A submission is the jobs that were started together."""

    folder: Path
    name: str  # name of the machine
    machine: Machine
    jobs: dict[Stage, str]  # id by stage, in the order of the pipeline

    @property
    def backend(self) -> Backend:
        return backend_of(self.machine)

    @property
    def home(self) -> Path:
        """Return the folder of the run, or of the corpus if only a corpus is made."""
        return self.folder.parent.parent

    def lines(self) -> list[str]:
        """Return the lines that people see after they have submitted it."""
        jobs = [f"job {id}: {stage} on {self.name}" for stage, id in self.jobs.items()]
        return [*jobs, f"their scripts: {self.folder}", f"how far they are: electra status {self.home}"]

    def states(self) -> dict[Stage, JobState]:
        return {stage: self.backend.state(self.machine, stage, id) for stage, id in self.jobs.items()}

    def logs(self, stage: Stage) -> list[Path] | list[str]:
        return self.backend.logs(self.machine, self.folder, stage, self.jobs[stage])

    def write(self) -> None:
        machine = {"backend": self.machine.backend} | self.machine.model_dump(mode="json", exclude_defaults=True)
        jobs = _Jobs(time=utc_now(), name=self.name, machine=machine, jobs={str(k): v for k, v in self.jobs.items()})
        write_json(self.folder / JOBS, jobs.model_dump())


def next_folder(home: Path) -> Path:
    """Return the folder for the next submission of this run or corpus."""
    return home / SUBMITTED / str(max(map(int, _numbers(home)), default=0) + 1)


def store(folder: Path, recipe: Mapping[str, object] | None, files: Mapping[str, str]) -> None:
    """Write the folder of a submission: the recipe that its jobs read, the code that made it, and the scripts."""
    make_folder(folder.parent)
    code, diff = code_of()
    with whole_folder(folder) as writing:
        write_json(writing / CODE, code)
        if diff:
            write_text(writing / DIFF, diff)
        if recipe is not None:
            write_text(writing / RECIPE, tomli_w.dumps(recipe))
        for name, text in files.items():
            write_text(writing / name, text)


def newest(home: Path) -> Submission | None:
    """Return the last submission of a run or corpus, or None if it was started by hand."""
    submitted = [number for number in _numbers(home) if (home / SUBMITTED / number / JOBS).is_file()]
    return _read(home / SUBMITTED / max(submitted, key=int)) if submitted else None


def _read(folder: Path) -> Submission:
    path = folder / JOBS
    read = validate(_Jobs, read_json(path), str(path))
    unknown = [stage for stage in read.jobs if stage not in list(Stage)]
    if unknown:
        raise UserError(f"{path}: jobs.{unknown[0]}: is no stage; it was damaged or edited")
    machine = machine_of(read.machine, str(path), "machine")
    return Submission(folder, read.name, machine, {Stage(stage): id for stage, id in read.jobs.items()})


def _numbers(home: Path) -> list[str]:
    folder = home / SUBMITTED
    return [path.name for path in folder.iterdir() if path.name.isdecimal()] if folder.is_dir() else []
