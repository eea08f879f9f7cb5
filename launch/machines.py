"""Machines by name: the tables of the user's `machines.toml`, one for each way to start a job.

A table is checked by the class that stands at its `backend` in BACKENDS, and started by `launch/backends/BACKEND.py`.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from configs.common.errors import UserError, unknown
from configs.load import read_toml, validate
from configs.schema import Count, Natural, Table

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


class Kubernetes(Machine):
    """A cluster of Kubernetes with Kubeflow Trainer 2, reached by the kubectl of this machine."""

    image: str  # launch/Dockerfile makes one
    # absolute path, the same here and in every pod -> the PersistentVolumeClaim (ReadWriteMany) that is mounted there
    volumes: dict[str, str]
    cpus: Count  # cores of each pod
    memory: str  # of each pod, such as 64Gi
    namespace: str = "default"
    context: str | None = None  # of kubectl; None: its current one
    queue: str | None = None  # of Kueue, which then says when a job begins
    gpu: str = "nvidia.com/gpu"  # the resource that a GPU is
    node_selector: dict[str, str] = Field(default_factory=dict)
    # seconds in which a run must finish its step and save, when its pod is to go
    warning: Annotated[int, Field(ge=10)] = 300
    # attempts for each pod after failures that are neither a mistake in the input nor a request to stop
    restarts: Natural = 5

    @property
    def processes(self) -> int:
        return self.gpus or self.cpus

    @field_validator("memory")
    @classmethod
    def _has_a_unit(cls, value: str) -> str:
        if not re.fullmatch(r"[1-9]\d*(Mi|Gi|Ti)", value):
            raise ValueError(f"memory: {value!r} is no amount of memory; write 64Gi, or Mi or Ti")
        return value

    @field_validator("volumes")
    @classmethod
    def _are_folders(cls, value: dict[str, str]) -> dict[str, str]:
        return _folders(value)


class SkyPilot(Machine):
    """Clouds, Kubernetes or Slurm by SkyPilot's managed jobs, reached by the sky of this machine."""

    cpus: Count  # cores of each node, at least
    accelerator: str | None = None  # as `sky gpus list` names it; each node has `gpus` of it
    infra: str | None = None  # such as aws/us-east-1 or k8s/my-context; None: the cheapest
    use_spot: bool = False
    image: str | None = None  # of docker; launch/Dockerfile makes one
    setup: str = ""  # commands on every node before the first start, where there is no image
    python: str = "python"
    volumes: dict[str, str]  # absolute path -> volume of `sky volumes`
    resources: dict[str, Any] = Field(default_factory=dict)  # further ones of a task: disk_size = 512
    # seconds in which a run must finish its step and save, when it is asked to stop
    warning: Annotated[int, Field(ge=10)] = 300

    @property
    def processes(self) -> int:
        return self.gpus or self.cpus

    @field_validator("volumes")
    @classmethod
    def _are_folders(cls, value: dict[str, str]) -> dict[str, str]:
        return _folders(value)

    @model_validator(mode="after")
    def _gpus_have_a_kind(self) -> Self:
        if bool(self.gpus) != bool(self.accelerator):
            raise ValueError(
                f"accelerator: {self.accelerator!r} does not go with gpus = {self.gpus}; name both or none"
            )
        return self


def _folders(volumes: dict[str, str]) -> dict[str, str]:
    """Raises ValueError where there is none, or one is not mounted at an absolute path."""
    wrong = next((path for path in volumes if not Path(path).is_absolute()), None)
    if wrong is not None or not volumes:
        said = f"{wrong!r} is no absolute path" if volumes else "empty"
        raise ValueError(f'volumes: {said}; write volumes = {{"/shared" = "NAME"}}, the folder that all nodes see')
    return volumes


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


BACKENDS: dict[str, type[Machine]] = {
    "local": Local,
    "slurm": Slurm,
    "kubernetes": Kubernetes,
    "skypilot": SkyPilot,
}
LOCAL = Local(backend="local")


def machine_of(table: dict[str, Any], origin: str, name: str) -> Machine:
    """A table as the machine of its backend; raises UserError with the first wrong key, under `name`."""
    backend = table.get("backend")
    if "backend" not in table:
        raise UserError(f"{origin}: {name}.backend: missing; there are {', '.join(BACKENDS)}")
    if backend not in BACKENDS:
        raise UserError(f"{origin}: {name}.backend: {unknown('backend', str(backend), BACKENDS)}")
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
        defined_in = " and ".join(map(str, files()))
        raise UserError(f"--on: {unknown('machine', name, known)} ({defined_in} define machines)")
    return known[name][0]


def files() -> list[Path]:
    """Where machines are looked for: the working folder, then the user's configuration."""
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return [Path(FILE), Path(home) / "electra" / FILE]


def _read(path: Path) -> dict[str, Any]:
    return read_toml(path) if path.exists() else {}
