"""This backend starts managed jobs of SkyPilot, described by a YAML file of tasks in their order.

SkyPilot moves a managed job to other machines if its machines are taken away. The format of the file is explained at
docs.skypilot.co/en/latest/reference/yaml-spec.html.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from configs.common.errors import EXIT_UNFINISHED, UserError
from launch.backends import JobState, Kind
from launch.backends.commands import PORT, bundles, output, refuse_outside, threads
from launch.jobs import Job, Stage
from launch.machines import SkyPilot
from launch.manifests import documents


def render(jobs: Sequence[Job], machine: SkyPilot, folder: Path) -> dict[str, str]:
    files: dict[str, str] = {}
    for bundle in bundles(jobs, folder):
        refuse_outside(bundle, machine.volumes)
        # A task of a pipeline begins when the task before it has succeeded. The first document names the pipeline.
        header = [{"name": bundle.name}] if bundle.is_pipeline else []
        tasks = [_task(job, machine, job.stage if bundle.is_pipeline else bundle.name) for job in bundle.jobs]
        about = f"Written by `electra submit`; edit it and type: sky jobs launch -d {shlex.quote(str(bundle.file))}"
        files[bundle.file.name] = documents([*header, *tasks], about)
    return files


def submit(jobs: Sequence[Job], machine: SkyPilot, folder: Path) -> Iterator[tuple[Stage, str]]:
    for bundle in bundles(jobs, folder):
        output(["sky", "jobs", "launch", "--yes", "--detach-run", str(bundle.file)])
        yield from ((job.stage, bundle.name) for job in bundle.jobs)


def state(machine: SkyPilot, stage: Stage, id: str) -> JobState:
    try:
        return state_of(json.loads(output(["sky", "jobs", "queue", "--all", "--output=json"])), stage, id)
    except UserError as error:
        return JobState("unknown", str(error))


def state_of(queue: list[dict[str, Any]], stage: Stage, name: str) -> JobState:
    """Return the state of a stage in the newest job of this name.

    `queue` is the output of `sky jobs queue`, which has a row for each task, the newest job first.
    """
    # A single task has the name of its job; a task of a pipeline has the name of its stage.
    statuses = [row["status"] for row in queue if row["job_name"] == name and row["task_name"] in (stage, name)]
    return (
        JobState(_kind(statuses[0]), statuses[0]) if statuses else JobState("unknown", f"SkyPilot knows no job {name}")
    )


def logs(machine: SkyPilot, folder: Path, stage: Stage, id: str) -> list[str]:
    return [f"sky jobs logs --name {id}"]


def cancel(machine: SkyPilot, id: str) -> list[str]:
    return ["sky", "jobs", "cancel", "--yes", "--name", id]


def _task(job: Job, machine: SkyPilot, name: str) -> dict[str, Any]:
    task: dict[str, Any] = {"name": name, "num_nodes": job.nodes, "resources": _resources(job, machine)}
    environment = threads(job, machine.cpus) | machine.environment
    if environment:
        task["envs"] = environment
    task["volumes"] = dict(machine.volumes)
    if machine.setup:
        task["setup"] = machine.setup
    return task | {"run": _run(job, machine)}


def _resources(job: Job, machine: SkyPilot) -> dict[str, Any]:
    resources: dict[str, Any] = {"infra": machine.infra} if machine.infra else {}
    if job.stage.computes and machine.gpus:
        resources["accelerators"] = f"{machine.accelerator}:{machine.gpus if job.stage is Stage.pretrain else 1}"
    resources["cpus"] = f"{machine.cpus}+"
    if machine.use_spot:
        resources["use_spot"] = True
    if machine.image:
        resources["image_id"] = f"docker:{machine.image}"
    # A run that was asked to stop has saved, so it is restarted. After a mistake in the input, a restart is useless.
    return resources | {"job_recovery": {"recover_on_exit_codes": [EXIT_UNFINISHED]}} | machine.resources


def _run(job: Job, machine: SkyPilot) -> str:
    """Return the shell command that every node executes."""
    python = shlex.quote(machine.python)
    if job.stage is Stage.prepare:
        share = '"$SKYPILOT_NODE_RANK/$SKYPILOT_NUM_NODES"'
        return f"{python} {shlex.join(job.command())} --task {share} --workers {machine.cpus}\n"
    if job.stage is not Stage.pretrain:
        return f"{python} {shlex.join(job.command())}\n"
    layout = (
        '--nnodes="$SKYPILOT_NUM_NODES" --node-rank="$SKYPILOT_NODE_RANK" '
        f'--master-addr="$(echo "$SKYPILOT_NODE_IPS" | head -n 1)" --master-port={PORT}'
    )
    words = shlex.join(job.torchrun("LAYOUT", shutdown_seconds=machine.warning))
    return f"{python} {words.replace('LAYOUT', layout, 1)}\n"


def _kind(status: str) -> Kind:
    """Translate a status of SkyPilot, as listed in its sky/jobs/state.py (ManagedJobStatus)."""
    if status in ("RUNNING", "WINDING_DOWN", "RECOVERING", "CANCELLING"):
        return "running"
    if status in ("PENDING", "STARTING", "SUBMITTED"):
        return "waiting"
    return "done" if status == "SUCCEEDED" else "failed"
