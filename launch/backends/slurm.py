"""This backend starts jobs on Slurm by an sbatch script for each stage.

The scripts of prepare and pretrain put themselves back into the queue until the corpus or the run is complete.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from configs.common.errors import ElectraError
from configs.common.slurm import failure_of, slurm, states_of
from configs.folders import CORPUS_MANIFEST, RECIPE, WORK
from launch.backends import JobState, Kind
from launch.backends.commands import threads
from launch.jobs import Job, Stage
from launch.machines import Slurm
from launch.templates import fill

_ABOUT = {
    Stage.prepare: "Each element of the array makes its share of the corpus.",
    Stage.pretrain: "Trains the run; stopped or interrupted, it queues itself again.",
    Stage.evaluate: "Scores the run on held-out rows.",
    Stage.export: "Writes the models of the run.",
}
# These stages can continue after a stop, so Slurm sends them a signal before the time limit. A preparation reacts only
# to SIGINT, the signal of Ctrl-C.
_WARNED = {Stage.prepare: "INT", Stage.pretrain: "USR1"}
_TEMPLATES = {Stage.prepare: "slurm_prepare", Stage.pretrain: "slurm_pretrain"}


def render(jobs: Sequence[Job], machine: Slurm, folder: Path) -> dict[str, str]:
    return {f"{job.stage}.sbatch": _script(job, machine, folder) for job in jobs}


def submit(jobs: Sequence[Job], machine: Slurm, folder: Path) -> Iterator[tuple[Stage, str]]:
    ids: dict[Stage, str] = {}
    for job in jobs:
        after = [f"--dependency=afterok:{':'.join(ids[stage] for stage in job.after)}"] if job.after else []
        printed = slurm("sbatch", "--parsable", *after, str(folder / f"{job.stage}.sbatch"))
        ids[job.stage] = printed.partition(";")[0]
        yield job.stage, ids[job.stage]


def state(machine: Slurm, stage: Stage, id: str) -> JobState:
    """Return the state of a job. An array has failed if any of its jobs has; otherwise it runs or waits if any does."""
    try:
        states = sorted(set(states_of(id).values()), key=_urgency)
    except ElectraError as error:  # Slurm is not installed here, or does not answer.
        return JobState("unknown", str(error))
    if not states:
        return JobState("unknown", f"job {id} is not known to Slurm any more")
    word, reason = states[0]
    text = f"{word} ({reason})" if reason not in ("None", "") else word
    return JobState(_kind(word, reason), text)


def logs(machine: Slurm, folder: Path, stage: Stage, id: str) -> list[Path]:
    return sorted([*folder.glob(f"{stage}-{id}.log"), *folder.glob(f"{stage}-{id}_*.log")])


def cancel(machine: Slurm, id: str) -> list[str]:
    return ["scancel", id]


def _script(job: Job, machine: Slurm, folder: Path) -> str:
    python = [*machine.wrap, machine.python or sys.executable]
    values = {
        "job": job,
        "about": _ABOUT[job.stage],
        "options": [shlex.quote(f"--{option}") for option in _options(job, machine, folder)],
        "modules": machine.modules,
        "environment": threads(job, machine.cpus) | machine.environment,
        "folder": str(folder),
        "script": str(folder / f"{job.stage}.sbatch"),
        "run": str(job.folder),
        "manifest": str(job.corpus / CORPUS_MANIFEST),
        "work": str(job.corpus / WORK),
        "needed": str(job.folder / RECIPE if job.stage is Stage.export else job.corpus / CORPUS_MANIFEST),
        # srun gets the number of cores again, because a step does not inherit it from its job.
        "srun": f"--cpus-per-task={machine.cpus}",
        "cpus": machine.cpus,
        "command": list(map(shlex.quote, python + job.command())),
        "train": [*map(shlex.quote, python), *_torchrun(job, machine)],
    }
    return fill(_TEMPLATES.get(job.stage, "slurm_alone"), values)


def _options(job: Job, machine: Slurm, folder: Path) -> Iterator[str]:
    """Yield the options of sbatch without their dashes."""
    needs_gpus = job.stage.computes and machine.gpus > 0
    is_array = job.stage is Stage.prepare
    partition = machine.partition if needs_gpus or not machine.cpu_partition else machine.cpu_partition
    yield f"job-name={job.name}"
    yield f"nodes={1 if is_array else job.nodes}"
    yield "ntasks-per-node=1"
    yield f"cpus-per-task={machine.cpus}"
    if needs_gpus:
        yield f"gpus-per-node={job.processes}"
    for name, value in (("time", machine.time), ("account", machine.account), ("partition", partition)):
        if value:
            yield f"{name}={value}"
    for name, value in machine.options.items():
        yield f"{name}={value}" if value else name
    if is_array:
        yield f"array=0-{job.nodes - 1}"
    if job.stage in _WARNED:
        # Without "B:" before the signal, Slurm sends it to the steps and not to the script.
        yield f"signal={_WARNED[job.stage]}@{machine.warning}"
    yield "requeue"  # Slurm then starts the job again if a node is lost.
    yield "open-mode=append"
    yield "kill-on-invalid-dep=yes"
    yield f"output={str(folder).replace('%', '%%')}/{job.stage}-{'%A_%a' if is_array else '%j'}.log"


def _torchrun(job: Job, machine: Slurm) -> list[str]:
    """Return the arguments of torchrun, which state the rank of each node and the address of the first node.

    torchrun's rendezvous is not used, because it would have to recognise the first node by comparing host names.
    """
    layout = ['--nnodes="$SLURM_NNODES"', '--node-rank="$SLURM_NODEID"']
    layout += ['--master-addr="$MASTER_ADDR"', '--master-port="$MASTER_PORT"']
    words = job.torchrun(*layout, shutdown_seconds=machine.warning)
    return [word if word in layout else shlex.quote(word) for word in words]


def _kind(word: str, reason: str) -> Kind:
    if failure_of(word, reason):
        return "failed"
    if word in ("RUNNING", "COMPLETING"):
        return "running"
    return "done" if word == "COMPLETED" else "waiting"


def _urgency(state_and_reason: tuple[str, str]) -> int:
    return ("failed", "running", "waiting", "done").index(_kind(*state_and_reason))
