"""These checks refuse an order before anything is started. Each error is a sentence that says what is accepted."""

from __future__ import annotations

from pathlib import Path

from configs.common.errors import UserError
from configs.common.locks import is_locked
from configs.folders import LOCK, RECIPE, holds_other_things
from configs.recipe import Recipe
from configs.share import micro_rows
from data_prep.shards import Corpus, check_corpus
from launch.jobs import EXPORT
from launch.machines import Local, Machine
from launch.submissions import newest

# File systems of these kinds live in the memory of a single machine.
_IN_MEMORY = ("tmpfs", "ramfs", "devtmpfs")


def refuse_layout(name: str, machine: Machine, nodes: int, processes: int | None) -> None:
    """Raise UserError for more nodes or GPUs than the machine has."""
    most = machine.nodes
    if isinstance(machine, Local) and machine.launcher == "deepspeed":
        most = _count_hosts(machine)
    if nodes > most:
        has = "is one node" if most == 1 else f"has {most:,} nodes"
        raise UserError(f"--nodes {nodes}: the machine {name} {has}")
    if machine.gpus and processes and processes > machine.gpus:
        raise UserError(f"--processes {processes}: a node of {name} has {machine.gpus} GPUs")


def refuse_batch(recipe: Recipe, num_processes: int) -> None:
    """Raise UserError if so many processes cannot share the rows of a step."""
    micro_rows(recipe, num_processes)


def refuse_corpus(folder: Path, recipe: Recipe | None) -> None:
    """Raise UserError if the folder holds no corpus, or if a recipe is given and does not fit the corpus."""
    corpus = Corpus(folder)
    if recipe:
        check_corpus(recipe, corpus)


def refuse_export(run: Path) -> None:
    """Raise UserError if the export would fail, so that nobody learns it only after weeks of training."""
    out = run / EXPORT
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out}: exists and is not empty; move it away, or leave the stage export out")


def refuse_run(folder: Path) -> None:
    """Raise UserError if the folder holds other things than a run, or if another process is training in it."""
    if holds_other_things(folder) and not (folder / RECIPE).is_file():
        raise UserError(f"{folder}: is not empty and holds no run; name a new folder")
    if is_locked(folder / LOCK):
        raise UserError(f"{folder}: another process is training this run")


def refuse_submitted(home: Path) -> None:
    """Raise UserError while a job of an earlier submission is queued or running."""
    before = newest(home)
    for stage, state in before.states().items() if before else ():
        if state.is_alive:
            assert before
            end = " ".join(before.backend.cancel(before.machine, before.jobs[stage]))
            raise UserError(
                f"{home}: is used by job {before.jobs[stage]} ({stage}) on {before.name}, which is {state.text}; "
                f"wait for it (electra status {home}), or end it: {end}"
            )


def refuse_unshared(folder: Path) -> None:
    """Raise UserError for a folder that no other machine can see. The job itself checks what its node really sees."""
    kind = _file_system(folder)
    if kind in _IN_MEMORY:
        raise UserError(
            f"{folder}: is in the memory of this machine ({kind}), where no node sees it; name a folder on a file "
            "system that the nodes share"
        )


def _file_system(folder: Path) -> str:
    """Return the kind of the file system on which the folder is or will be."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    kinds = {Path(place.replace("\\040", " ")): kind for _, place, kind, *_ in mounts}
    parents = [folder.resolve(), *folder.resolve().parents]
    return next((kinds[parent] for parent in parents if parent in kinds), "")


def _count_hosts(machine: Local) -> int:
    """Return the number of hosts in the hostfile. Raises UserError if there is no such file.

    DeepSpeed would only warn about a missing hostfile, and train on this machine alone.
    """
    if not machine.hostfile:
        raise UserError("--launcher deepspeed: needs the nodes' names; give --hostfile FILE, lines of NAME slots=GPUS")
    try:
        lines = Path(machine.hostfile).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise UserError(f"{machine.hostfile}: not a hostfile ({error.strerror}); lines of NAME slots=GPUS") from None
    hosts = [line.split("#")[0].split() for line in lines]
    for host in filter(None, hosts):
        if len(host) != 2 or not host[1].removeprefix("slots=").isdecimal():
            raise UserError(f"{machine.hostfile}: {' '.join(host)!r} is not NAME slots=GPUS")
    return sum(map(bool, hosts))
