"""A machine is a named place where jobs run. Each table of the user's `machines.toml` defines a machine.

The key `backend` of a table names the way to start jobs. The table is checked by the class that BACKENDS has under this
name, and its jobs are started by `launch/backends/BACKEND.py`.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from configs.common.errors import UserError, unknown
from configs.common.secrets import is_secret
from configs.load import read_toml, validate
from configs.schema import Count, Natural, Table

FILE = "machines.toml"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Machine(Table):
    """Hold the keys that machines of all backends have."""

    backend: str
    nodes: Count  # the most nodes of a job
    gpus: Natural  # GPUs of each node; with 0, jobs compute on CPU cores
    environment: dict[str, str] = Field(default_factory=dict)  # environment variables of every process of a job

    @field_validator("environment")
    @classmethod
    def _variables_have_names(cls, environment: dict[str, str]) -> dict[str, str]:
        for name in environment:
            if not _VARIABLE.fullmatch(name):
                raise ValueError(f"environment: {name!r} is no name of a variable")
        return environment

    @field_validator("environment")
    @classmethod
    def _variables_hold_no_secrets(cls, environment: dict[str, str]) -> dict[str, str]:
        for name, value in environment.items():
            if is_secret(name, value):
                raise ValueError(
                    f"environment: {name} is a secret and would be written into the files of every job; store it on "
                    "the machine, as `wandb login` and a .netrc do"
                )
        return environment

    @property
    def processes(self) -> int | None:
        """Return the default number of processes on each node.

        None stands for one process per GPU that is found there, or per core without GPUs.
        """
        return self.gpus or None

    def started_by(self, launcher: str | None, hostfile: Path | None) -> Machine:
        """Return the same machine with another launcher. Raises UserError if a scheduler starts the processes."""
        raise UserError(f"--launcher, --hostfile: are for a machine of backend local, and this is {self.backend}")


class Local(Machine):
    """Start jobs on this machine by torchrun, or on the machines of a hostfile by DeepSpeed's launcher.

    DeepSpeed's launcher reaches the machines of the hostfile by ssh.
    """

    nodes: Count = 1
    gpus: Natural = 0  # 0 stands for all GPUs that are found
    launcher: Literal["torchrun", "deepspeed"] = "torchrun"
    hostfile: str | None = None  # path of a file with a line `NAME slots=PROCESSES` for each node

    def started_by(self, launcher: str | None, hostfile: Path | None) -> Local:
        chosen = launcher or self.launcher
        if hostfile and chosen != "deepspeed":
            raise UserError(f"--hostfile {hostfile}: is for --launcher deepspeed")
        file = str(hostfile) if hostfile else self.hostfile
        return self.model_copy(update={"launcher": chosen, "hostfile": file})


class Slurm(Machine):
    """Start jobs on a Slurm cluster, by the command sbatch of this machine."""

    cpus: Count  # cores of each node
    time: str | None = None  # time limit of a job, in minutes or as D-H:M:S
    account: str | None = None
    partition: str | None = None
    cpu_partition: str | None = None  # partition of the stages that need no GPU: prepare and export
    modules: list[str] = Field(default_factory=list)
    python: str | None = None  # Python on the nodes; None stands for the Python that submits
    wrap: list[str] = Field(default_factory=list)  # words before every command, such as `apptainer exec IMAGE`
    options: dict[str, str] = Field(default_factory=dict)  # further options of sbatch, such as qos = "high"
    # So many seconds before the time limit a run is told to stop; it must finish its step and save in this time.
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
    """Start jobs on a Kubernetes cluster with Kubeflow Trainer 2, by the command kubectl of this machine."""

    image: str  # container image; launch/Dockerfile builds a suitable image
    # Each key is an absolute path, the same here and in every pod. Its value names the PersistentVolumeClaim
    # (ReadWriteMany) that is mounted there.
    volumes: dict[str, str]
    cpus: Count  # cores of each pod
    memory: str  # memory of each pod, such as 64Gi
    namespace: str = "default"
    context: str | None = None  # context of kubectl; None stands for its current context
    queue: str | None = None  # queue of Kueue, which then decides when a job begins
    gpu: str = "nvidia.com/gpu"  # name of the Kubernetes resource that stands for a GPU
    node_selector: dict[str, str] = Field(default_factory=dict)
    # When its pod is to be removed, a run must finish its step and save within so many seconds.
    warning: Annotated[int, Field(ge=10)] = 300
    # Each pod is restarted so many times after failures that are neither a mistake in the input nor a request to stop.
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
    """Start managed jobs of SkyPilot on clouds, Kubernetes or Slurm, by the command sky of this machine."""

    cpus: Count  # the fewest cores of each node
    accelerator: str | None = None  # kind of GPU, as `sky gpus list` names it; each node has `gpus` of this kind
    infra: str | None = None  # such as aws/us-east-1 or k8s/my-context; None stands for the cheapest offer
    use_spot: bool = False
    image: str | None = None  # Docker image; launch/Dockerfile builds a suitable image
    setup: str = ""  # shell commands that prepare every node before the first start, if there is no image
    python: str = "python"
    volumes: dict[str, str]  # Each key is an absolute path; its value names a volume of `sky volumes`.
    resources: dict[str, Any] = Field(default_factory=dict)  # further resources of a task, such as disk_size = 512
    # When it is asked to stop, a run must finish its step and save within so many seconds.
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
    """Return `volumes`. Raises ValueError if there is no volume, or if a volume is not mounted at an absolute path."""
    wrong = next((path for path in volumes if not Path(path).is_absolute()), None)
    if wrong is not None or not volumes:
        problem = f"{wrong!r} is no absolute path" if volumes else "empty"
        raise ValueError(f'volumes: {problem}; write volumes = {{"/shared" = "NAME"}}, the folder that all nodes see')
    return volumes


def _seconds(time: str) -> int:
    """Return the seconds of a duration as Slurm writes it: minutes, M:S, H:M:S, D-H, D-H:M or D-H:M:S.

    Raises ValueError for any other text.
    """
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
    """Return the machine that a table defines. Raises UserError with the first wrong key, written as `name`.KEY."""
    backend = table.get("backend")
    if "backend" not in table:
        raise UserError(f"{origin}: {name}.backend: missing; there are {', '.join(BACKENDS)}")
    if backend not in BACKENDS:
        raise UserError(f"{origin}: {name}.backend: {unknown('backend', str(backend), BACKENDS)}")
    return validate(BACKENDS[backend], table, origin, f"{name}.")


def machines() -> dict[str, tuple[Machine, str]]:
    """Return (machine, the file that defines it) by name.

    If both files define a name, the file in the working folder wins over the file in the user's configuration.
    """
    machine_table: dict[str, tuple[Machine, str]] = {"local": (LOCAL, "always there")}
    for path in reversed(files()):
        for name, table in _read(path).items():
            if not isinstance(table, dict):
                raise UserError(f"{path}: {name}: {table!r} is not a table; a machine is [{name}] and its keys below")
            machine_table[name] = (machine_of(table, str(path), name), str(path))
    return machine_table


def find(name: str) -> Machine:
    """Return the machine of this name. Raises UserError, which lists the known machines, if there is none."""
    defined = machines()
    if name not in defined:
        defined_in = " and ".join(map(str, files()))
        raise UserError(f"--on: {unknown('machine', name, defined)} ({defined_in} define machines)")
    return defined[name][0]


def files() -> list[Path]:
    """Return the files that may define machines: first in the working folder, then in the user's configuration."""
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return [Path(FILE), Path(home) / "electra" / FILE]


def _read(path: Path) -> dict[str, Any]:
    return read_toml(path) if path.exists() else {}
