"""Machines by name: the tables of the user's `machines.toml`, one for each way to start a job.

A table is checked by the class that stands at its `backend` in BACKENDS, and started by `launch/backends/BACKEND.py`.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from configs.errors import UserError, nearest
from configs.load import validate
from configs.table import Count, Natural, Table

FILE = "machines.toml"
# Slurm's own ways to write a duration: minutes, M:S, H:M:S, D-H, D-H:M, D-H:M:S.
_SLURM_TIME = r"^(\d+|\d+:\d\d|\d+:\d\d:\d\d|\d+-\d+|\d+-\d+:\d\d|\d+-\d+:\d\d:\d\d)$"

Folder = Annotated[str, Field(pattern=r"^/.*[^/]$")]


class Machine(Table):
    """What a machine of every backend states."""

    backend: str
    nodes: Count  # a job has at most so many
    gpus: Natural  # of each node; 0: it computes on its cores
    environment: dict[str, str] = Field(default_factory=dict)  # variables of every process of a job

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
    time: Annotated[str, Field(pattern=_SLURM_TIME)] | None = None
    account: str | None = None
    partition: str | None = None
    cpu_partition: str | None = None  # where stages run that need no GPU: prepare and export
    modules: list[str] = Field(default_factory=list)
    python: str | None = None  # on the nodes; None: the one that submits
    wrap: list[str] = Field(default_factory=list)  # words before every command, such as those of apptainer
    options: dict[str, str] = Field(default_factory=dict)  # further ones of sbatch: qos = "high"
    # seconds before the time limit in which a run must finish its step and save
    warning: Annotated[int, Field(ge=10, lt=65536)] = 300

    @property
    def processes(self) -> int:
        return self.gpus or self.cpus


class Kubernetes(Machine):
    """A cluster of Kubernetes with Kubeflow Trainer 2, reached by the kubectl of this machine."""

    image: str  # launch/Dockerfile makes one
    # absolute path, here and in every pod -> the PersistentVolumeClaim (ReadWriteMany) that is mounted there
    volumes: Annotated[dict[Folder, str], Field(min_length=1)]
    cpus: Count  # cores of each pod
    memory: Annotated[str, Field(pattern=r"^\d+(Mi|Gi|Ti)$")]  # of each pod
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


class SkyPilot(Machine):
    """Clouds, Kubernetes or Slurm by SkyPilot's managed jobs, reached by the sky of this machine."""

    cpus: Count  # cores of each node, at least
    accelerator: str | None = None  # as `sky gpus list` names it; each node has `gpus` of it
    infra: str | None = None  # such as aws/us-east-1 or k8s/my-context; None: the cheapest
    use_spot: bool = False
    image: str | None = None  # of docker; launch/Dockerfile makes one
    setup: str = ""  # commands on every node before the first start, where there is no image
    python: str = "python"
    volumes: dict[Folder, str] = Field(default_factory=dict)  # absolute path -> volume of `sky volumes`
    resources: dict[str, Any] = Field(default_factory=dict)  # further ones of a task: disk_size = 512
    # seconds in which a run must finish its step and save, when it is asked to stop
    warning: Annotated[int, Field(ge=10)] = 300

    @property
    def processes(self) -> int:
        return self.gpus or self.cpus

    @model_validator(mode="after")
    def _gpus_have_a_kind(self) -> Self:
        if bool(self.gpus) != bool(self.accelerator):
            raise ValueError(f"accelerator: {self.accelerator!r} does not go with gpus = {self.gpus}; name both or none")
        return self


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
        listed = nearest(name, known) or f"; there is {', '.join(known)}"
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
