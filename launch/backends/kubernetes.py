"""Jobs of Kubernetes: a TrainJob of Kubeflow Trainer 2 for training, a batch Job for every other stage.

What the API objects mean: kubernetes.io/docs/concepts/workloads/controllers/job, kubeflow.org/docs/components/trainer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from configs.errors import STOPPED, UserError
from launch.backends import Kind, State
from launch.backends.commands import name_of, output, refuse_order, refuse_outside, threads
from launch.jobs import Job, Stage
from launch.machines import Kubernetes
from launch.manifests import documents

TRAINER = "trainer.kubeflow.org/v1alpha1"
# What Kubeflow Trainer calls the replicated job and the container that train.
NODE = "node"
_CONDITIONS: dict[str, Kind] = {"Complete": "done", "Failed": "failed", "Suspended": "waiting"}


def render(job: Job, machine: Kubernetes, folder: Path) -> dict[str, str]:
    refuse_order(job)
    refuse_outside(job, folder, machine.volumes)
    name, file = name_of(job, folder), folder / f"{job.stage}.yaml"
    objects = _train(job, machine, name) if job.stage is Stage.pretrain else [_work(job, machine, name)]
    by_hand = " ".join(_kubectl(machine, "create", "-f", str(file)))
    return {file.name: documents(objects, f"Written by `electra submit`; edit it and type: {by_hand}")}


def submit(job: Job, machine: Kubernetes, folder: Path, ids: Mapping[Stage, str]) -> str:
    output(_kubectl(machine, "create", "-f", str(folder / f"{job.stage}.yaml")))
    return f"{'trainjob' if job.stage is Stage.pretrain else 'job'}/{name_of(job, folder)}"


def state(machine: Kubernetes, id: str) -> State:
    try:
        return state_of(json.loads(output(_kubectl(machine, "get", id, "--output=json"))))
    except UserError as error:
        return State("unknown", str(error))


def state_of(resource: dict[str, Any]) -> State:
    """Of a Job or a TrainJob as the API server shows it: both end in Complete or Failed."""
    status = resource.get("status", {})
    held = {each["type"]: each for each in status.get("conditions", ()) if each["status"] == "True"}
    for word, kind in _CONDITIONS.items():
        if word in held:
            said = held[word].get("message", "")
            return State(kind, f"{word} ({said})" if said else word)
    active = status.get("active", 0) or sum(child.get("active", 0) for child in status.get("jobsStatus", ()))
    return State("running", "Running") if active else State("waiting", "Pending")


def logs(machine: Kubernetes, folder: Path, stage: Stage, id: str) -> list[str]:
    kind, _, name = id.partition("/")
    label = "jobset.sigs.k8s.io/jobset-name" if kind == "trainjob" else "batch.kubernetes.io/job-name"
    return [" ".join(_kubectl(machine, "logs", f"--selector={label}={name}", "--prefix", "--tail=-1"))]


def cancel(machine: Kubernetes, id: str) -> list[str]:
    kind, _, name = id.partition("/")
    runtime = [f"trainingruntime/{name}"] if kind == "trainjob" else []
    return _kubectl(machine, "delete", id, *runtime)


def _train(job: Job, machine: Kubernetes, name: str) -> list[dict[str, Any]]:
    """A runtime of its own beside the TrainJob: which failures count is not among what a TrainJob can change of one."""
    pods = {
        "completionMode": "Indexed",
        "backoffLimit": machine.restarts * job.nodes,
        "podFailurePolicy": _failures(NODE),
        "template": {"spec": _pod(job, machine, NODE, {}, grace=machine.warning + 30)},
    }
    labels = {"trainer.kubeflow.org/trainjob-ancestor-step": "trainer"}
    replicated = {"name": NODE, "template": {"metadata": {"labels": labels}, "spec": pods}}
    runtime = {"mlPolicy": {"numNodes": 1, "torch": {}}, "template": {"spec": {"replicatedJobs": [replicated]}}}
    command = ["python", *job.torchrun(shutdown_seconds=machine.warning, module="launch.torchrun")]
    trainer = {
        "numNodes": job.nodes,
        "command": _literal(command),
        "resourcesPerNode": _resources(machine, gpus=machine.gpus),
    }
    reference = {"apiGroup": TRAINER.partition("/")[0], "kind": "TrainingRuntime", "name": name}
    return [
        _object(TRAINER, "TrainingRuntime", machine, name, runtime, queued=False),
        _object(TRAINER, "TrainJob", machine, name, {"runtimeRef": reference, "trainer": trainer}),
    ]


def _work(job: Job, machine: Kubernetes, name: str) -> dict[str, Any]:
    """An Indexed Job: of a preparation every pod has its share, of another stage there is one pod."""
    command = _literal(["python", *job.command()])
    if job.stage is Stage.prepare:
        # A container sees all cores of its node.
        command += ["--task", f"$(JOB_COMPLETION_INDEX)/{job.nodes}", "--workers", str(machine.cpus)]
    work = {
        "command": command,
        "resources": _resources(machine, gpus=min(machine.gpus, 1) if job.stage.computes else 0),
    }
    spec = {
        "completionMode": "Indexed",
        "completions": job.nodes,
        "parallelism": job.nodes,
        "backoffLimitPerIndex": machine.restarts,
        "podFailurePolicy": _failures(job.stage),
        "template": {"spec": _pod(job, machine, job.stage, work, grace=30)},
    }
    return _object("batch/v1", "Job", machine, name, spec)


def _object(
    version: str, kind: str, machine: Kubernetes, name: str, spec: dict[str, Any], *, queued: bool = True
) -> dict[str, Any]:
    """With a queue it waits, suspended, until Kueue lets it begin."""
    metadata: dict[str, Any] = {"name": name, "namespace": machine.namespace}
    if machine.queue and queued:
        metadata["labels"] = {"kueue.x-k8s.io/queue-name": machine.queue}
        spec = {"suspend": True, **spec}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}


def _failures(container: str) -> dict[str, Any]:
    """A mistake in the input ends the job; a pod that was asked to leave is replaced, and costs no attempt."""
    return {
        "rules": [
            {"action": "FailJob", "onExitCodes": {"containerName": container, "operator": "In", "values": [2]}},
            {"action": "Ignore", "onExitCodes": {"containerName": container, "operator": "In", "values": [STOPPED]}},
            {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
        ]
    }


def _pod(job: Job, machine: Kubernetes, container: str, work: dict[str, Any], *, grace: int) -> dict[str, Any]:
    environment = threads(job, machine.cpus) | machine.environment
    claims = {f"volume-{number}": place for number, place in enumerate(machine.volumes.items())}
    mounts = [{"name": name, "mountPath": path} for name, (path, _) in claims.items()]
    volumes = [{"name": name, "persistentVolumeClaim": {"claimName": claim}} for name, (_, claim) in claims.items()]
    pod: dict[str, Any] = {
        "restartPolicy": "Never",  # podFailurePolicy wants it
        "terminationGracePeriodSeconds": grace,
        "containers": [
            {
                "name": container,
                "image": machine.image,
                **work,
                "env": [{"name": name, "value": value} for name, value in environment.items()],
                # NCCL's processes share memory, and containers have 64 MB.
                "volumeMounts": [*mounts, {"name": "shm", "mountPath": "/dev/shm"}],
            }
        ],
        "volumes": [*volumes, {"name": "shm", "emptyDir": {"medium": "Memory"}}],
    }
    return pod | ({"nodeSelector": machine.node_selector} if machine.node_selector else {})


def _resources(machine: Kubernetes, *, gpus: int) -> dict[str, Any]:
    devices = {machine.gpu: str(gpus)} if gpus else {}
    return {
        "requests": {"cpu": str(machine.cpus), "memory": machine.memory, **devices},
        "limits": {"memory": machine.memory, **devices},
    }


def _literal(command: list[str]) -> list[str]:
    """Kubernetes puts a variable in place of $(NAME), and $( in place of $$(."""
    return [word.replace("$(", "$$(") for word in command]


def _kubectl(machine: Kubernetes, *arguments: str) -> list[str]:
    context = [f"--context={machine.context}"] if machine.context else []
    return ["kubectl", *context, f"--namespace={machine.namespace}", *arguments]
