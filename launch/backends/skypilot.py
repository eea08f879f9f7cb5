"""Jobs of SkyPilot: a task YAML for each stage, as a managed job, which SkyPilot moves on when its machines are taken.

The format: docs.skypilot.co/en/latest/reference/yaml-spec.html.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from configs.errors import STOPPED, UserError
from launch.backends import Kind, State
from launch.backends.commands import name_of, output, refuse_order, refuse_outside, threads
from launch.jobs import Job, Stage
from launch.machines import SkyPilot
from launch.manifests import documents

_PORT = 29500


def render(job: Job, machine: SkyPilot, folder: Path) -> dict[str, str]:
    refuse_order(job)
    refuse_outside(job, folder, machine.volumes)
    task: dict[str, Any] = {"name": name_of(job, folder), "num_nodes": job.nodes, "resources": _resources(job, machine)}
    environment = threads(job, machine.cpus) | machine.environment
    if environment:
        task["envs"] = environment
    task["volumes"] = dict(machine.volumes)
    if machine.setup:
        task["setup"] = machine.setup
    task["run"] = _run(job, machine)
    file = folder / f"{job.stage}.yaml"
    return {file.name: documents([task], f"Written by `electra submit`; edit it and type: sky jobs launch -d {file}")}


def submit(job: Job, machine: SkyPilot, folder: Path, ids: Mapping[Stage, str]) -> str:
    output(["sky", "jobs", "launch", "--yes", "--detach-run", str(folder / f"{job.stage}.yaml")])
    return name_of(job, folder)


def state(machine: SkyPilot, id: str) -> State:
    try:
        return state_of(json.loads(output(["sky", "jobs", "queue", "--all", "--output=json"])), id)
    except UserError as error:
        return State("unknown", str(error))


def state_of(queue: list[dict[str, Any]], name: str) -> State:
    """Of the last job of this name among those that `sky jobs queue` shows, the newest first."""
    known = [job["status"] for job in queue if job["job_name"] == name]
    return State(_kind(known[0]), known[0]) if known else State("unknown", f"SkyPilot knows no job {name}")


def logs(machine: SkyPilot, folder: Path, stage: Stage, id: str) -> list[str]:
    return [f"sky jobs logs --name {id}"]


def cancel(machine: SkyPilot, id: str) -> list[str]:
    return ["sky", "jobs", "cancel", "--yes", "--name", id]


def _resources(job: Job, machine: SkyPilot) -> dict[str, Any]:
    resources: dict[str, Any] = {"infra": machine.infra} if machine.infra else {}
    if job.stage.computes and machine.gpus:
        resources["accelerators"] = f"{machine.accelerator}:{machine.gpus if job.stage is Stage.pretrain else 1}"
    resources["cpus"] = f"{machine.cpus}+"
    if machine.use_spot:
        resources["use_spot"] = True
    if machine.image:
        resources["image_id"] = f"docker:{machine.image}"
    # Asked to stop, the run has saved; a mistake in the input would end the same way again.
    return resources | {"job_recovery": {"recover_on_exit_codes": [STOPPED]}} | machine.resources


def _run(job: Job, machine: SkyPilot) -> str:
    """What every node does."""
    python = shlex.quote(machine.python)
    if job.stage is Stage.prepare:
        share = '"$SKYPILOT_NODE_RANK/$SKYPILOT_NUM_NODES"'
        return f"{python} {shlex.join(job.command())} --task {share} --workers {machine.cpus}\n"
    if job.stage is not Stage.pretrain:
        return f"{python} {shlex.join(job.command())}\n"
    layout = (
        '--nnodes="$SKYPILOT_NUM_NODES" --node-rank="$SKYPILOT_NODE_RANK" '
        f'--master-addr="$(echo "$SKYPILOT_NODE_IPS" | head -n 1)" --master-port={_PORT}'
    )
    words = shlex.join(job.torchrun("LAYOUT", shutdown_seconds=machine.warning, module="launch.torchrun"))
    return f"{python} {words.replace('LAYOUT', layout, 1)}\n"


def _kind(status: str) -> Kind:
    """sky/jobs/state.py, ManagedJobStatus."""
    if status in ("RUNNING", "WINDING_DOWN", "RECOVERING", "CANCELLING"):
        return "running"
    if status in ("PENDING", "STARTING", "SUBMITTED"):
        return "waiting"
    return "done" if status == "SUCCEEDED" else "failed"
