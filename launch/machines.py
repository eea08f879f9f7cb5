"""Machines by name: the tables of the user's `machines.toml`, one for each way to start a job.

A table is checked by the class that stands at its `backend` in BACKENDS, and started by `launch/backends/BACKEND.py`.
"""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from configs.errors import UserError, nearest
from configs.load import validate
from configs.table import Count, Natural, Table

FILE = "machines.toml"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Machine(Table):
    """What a machine of every backend states."""

    backend: str
    nodes: Count  # a job has at most so many
    gpus: Natural  # of each node; 0: it computes on its cores
    environment: dict[str, str] = Field(default_factory=dict)  # variables of every process of a job

    @field_validator("environment")
    @classmethod
    def _variables_have_names(cls, environment: dict[str, str]) -> dict[str, str]:
        for name in environment:
            if not _VARIABLE.fullmatch(name):
                raise ValueError(f"environment: {name!r} is no name of a variable")
        return environment

    @property
    def processes(self) -> int | None:
        """On each node, where nobody says how many; None: one for each GPU that is found there, else core."""
        return self.gpus or None

    def started_by(self, launcher: str | None, hostfile: Path | None) -> Machine:
        """The same with another launcher; raises UserError where a scheduler starts the processes."""
        raise UserError(f"--launcher, --hostfile: are for a machine of backend local, and this is {self.backend}")


class Local(Machine):
    """This machine, through torchrun; or, through DeepSpeed's launcher, those of a hostfile, which ssh reaches."""

    nodes: Count = 1
    gpus: Natural = 0  # 0: as many as are found
    launcher: Literal["torchrun", "deepspeed"] = "torchrun"
    hostfile: str | None = None  # `NAME slots=PROCESSES`, a line a node

    def started_by(self, launcher: str | None, hostfile: Path | None) -> Local:
        chosen = launcher or self.launcher
        if hostfile and chosen != "deepspeed":
            raise UserError(f"--hostfile {hostfile}: is for --launcher deepspeed")
        file = str(hostfile) if hostfile else self.hostfile
        return self.model_copy(update={"launcher": chosen, "hostfile": file})


class Slurm(Machine):
    """A cluster of Slurm, reached by the sbatch of this machine."""

    cpus: Count  # cores of each node
    time: str | None = None  # of a job, in minutes or as D-H:M:S
    account: str | None = None
    partition: str | None = None
    cpu_partition: str | None = None  # where stages run that need no GPU: prepare and export
    modules: list[str] = Field(default_factory=list)
    python: str | None = None  # on the nodes; None: the one that submits
    wrap: list[str] = Field(default_factory=list)  # words before every command, such as those of apptainer
    options: dict[str, str] = Field(default_factory=dict)  # further ones of sbatch: qos = "high"
    # seconds before the time limit in which a run must finish its step and save
    warning: Annotated[int, Field(ge=10, lt=65536)] = 300

    @model_validator(mode="after")
    def _a_warning_comes_in_time(self) -> Self:
        if self.time and (limit := _seconds(self.time)) <= self.warning:
            raise ValueError(f"warning: {self.warning} seconds are not within time ({self.time}, {limit} seconds)")
        return self

    @property
    def processes(self) -> int:
        return self.gpus or self.cpus


def _seconds(time: str) -> int:
    """Of a duration as Slurm writes it: minutes, M:S, H:M:S, D-H, D-H:M or D-H:M:S; raises ValueError for another."""
    match = re.fullmatch(r"(?:(\d+)-)?(\d+)(?::(\d\d))?(?::(\d\d))?", time)
    if not match:
        raise ValueError(f"time: {time!r} is no duration of Slurm; write minutes, H:M:S, or D-H:M:S")
    days, *parts = (int(part) if part else None for part in match.groups())
    numbers = [part for part in parts if part is not None]
    if days is not None:
        hours, minutes, seconds = (*numbers, 0, 0)[:3]
    else:
        hours, minutes, seconds = {1: (0, *numbers, 0), 2: (0, *numbers), 3: tuple(numbers)}[len(numbers)]
    return (((days or 0) * 24 + hours) * 60 + minutes) * 60 + seconds


BACKENDS: dict[str, type[Machine]] = {"local": Local, "slurm": Slurm}
LOCAL = Local(backend="local")


def machine_of(table: dict[str, Any], origin: str, name: str) -> Machine:
    """A table as the machine of its backend; raises UserError with the first wrong key, under `name`."""
    backend = table.get("backend")
    if backend not in BACKENDS:
        said = f"{backend!r} is no backend" if "backend" in table else "missing"
        hint = nearest(str(backend), BACKENDS) or f"; there are {', '.join(BACKENDS)}"
        raise UserError(f"{origin}: {name}.backend: {said}{hint}")
    return validate(BACKENDS[backend], table, origin, f"{name}.")


def machines() -> dict[str, tuple[Machine, str]]:
    """name -> (machine, where it stands). A name in the working folder's file stands over one in the user's own."""
    found: dict[str, tuple[Machine, str]] = {"local": (LOCAL, "always there")}
    for path in reversed(files()):
        for name, table in _read(path).items():
            if not isinstance(table, dict):
                raise UserError(f"{path}: {name}: {table!r} is not a table; a machine is [{name}] and its keys below")
            found[name] = (machine_of(table, str(path), name), str(path))
    return found


def find(name: str) -> Machine:
    """The machine of this name; raises UserError that lists those there are."""
    known = machines()
    if name not in known:
        listed = nearest(name, known) or f"; there are {', '.join(known)}"
        raise UserError(f"--on {name}: no such machine{listed} ({' and '.join(map(str, files()))} name them)")
    return known[name][0]


def files() -> list[Path]:
    """Where machines are looked for: the working folder, then the user's configuration."""
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return [Path(FILE), Path(home) / "electra" / FILE]


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: not a TOML file ({error})") from None
