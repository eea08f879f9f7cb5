"""What is refused before anything is started: each one sentence, and what would be accepted."""

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

# Of file systems that live in the memory of one machine.
_IN_MEMORY = ("tmpfs", "ramfs", "devtmpfs")


def refuse_layout(name: str, machine: Machine, nodes: int, processes: int | None) -> None:
    """Raises UserError for more nodes or GPUs than the machine has."""
    most = machine.nodes
    if isinstance(machine, Local) and machine.launcher == "deepspeed":
        most = _count_hosts(machine)
    if nodes > most:
        has = "is one node" if most == 1 else f"has {most:,} nodes"
        raise UserError(f"--nodes {nodes}: the machine {name} {has}")
    if machine.gpus and processes and processes > machine.gpus:
        raise UserError(f"--processes {processes}: a node of {name} has {machine.gpus} GPUs")


def refuse_batch(recipe: Recipe, num_processes: int) -> None:
    """Raises UserError where so many processes cannot share the rows of a step."""
    micro_rows(recipe, num_processes)


def refuse_corpus(folder: Path, recipe: Recipe | None) -> None:
    """Raises UserError for what is no corpus, or another than the recipe asks for (None: any will do)."""
    corpus = Corpus(folder)
    if recipe:
        check_corpus(recipe, corpus)


def refuse_export(run: Path) -> None:
    """Raises UserError where the models of the run would not be written, before it has been trained for weeks."""
    out = run / EXPORT
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out}: exists and is not empty; move it away, or leave the stage export out")


def refuse_run(folder: Path) -> None:
    """Raises UserError for a folder that is not a run's, or that somebody trains in."""
    if holds_other_things(folder) and not (folder / RECIPE).is_file():
        raise UserError(f"{folder}: is not empty and holds no run; name a new folder")
    if is_locked(folder / LOCK):
        raise UserError(f"{folder}: another process is training this run")


def refuse_submitted(home: Path) -> None:
    """Raises UserError while a job of an earlier submission is queued or runs."""
    before = newest(home)
    for stage, state in before.states().items() if before else ():
        if state.is_alive:
            assert before
            end = " ".join(before.backend.cancel(before.machine, before.jobs[stage]))
            raise UserError(
                f"{home}: is used by job {before.jobs[stage]} ({stage}) on {before.name}, which is {state.said}; "
                f"wait for it (electra status {home}), or end it: {end}"
            )


def refuse_unshared(folder: Path) -> None:
    """Raises UserError for a folder that no other machine can see. What the nodes really see, the job looks at."""
    kind = _file_system(folder)
    if kind in _IN_MEMORY:
        raise UserError(
            f"{folder}: is in the memory of this machine ({kind}), where no node sees it; name a folder on a file "
            "system that the nodes share"
        )


def _file_system(folder: Path) -> str:
    """The kind of the file system that the folder is on, or will be."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    kinds = {Path(place.replace("\\040", " ")): kind for _, place, kind, *_ in mounts}
    parents = [folder.resolve(), *folder.resolve().parents]
    return next((kinds[parent] for parent in parents if parent in kinds), "")


def _count_hosts(machine: Local) -> int:
    """DeepSpeed would go on alone, with a warning, where there is no such file."""
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
