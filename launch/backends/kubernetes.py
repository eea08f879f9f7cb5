"""Jobs of Kubernetes: for training a TrainJob of Kubeflow Trainer 2, else a batch Job; a JobSet for stages in order.

What the API objects mean: kubernetes.io/docs/concepts/workloads/controllers/job, kubeflow.org/docs/components/trainer,
jobset.sigs.k8s.io/docs/concepts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from configs.common.errors import EXIT_UNFINISHED, EXIT_USER_ERROR, UserError
from launch.backends import JobState, Kind
from launch.backends.commands import PORT, Bundle, bundles, output, refuse_outside, threads
from launch.jobs import Job, Stage
from launch.machines import Kubernetes
from launch.manifests import documents

TRAINER, JOBSET = "trainer.kubeflow.org/v1alpha1", "jobset.x-k8s.io/v1alpha2"
# What Kubeflow Trainer calls the replicated job and the container that train.
NODE = "node"
_CONDITIONS: dict[str, Kind] = {"Complete": "done", "Failed": "failed", "Suspended": "waiting"}


def render(jobs: Sequence[Job], machine: Kubernetes, folder: Path) -> dict[str, str]:
    files: dict[str, str] = {}
    for bundle in bundles(jobs, folder):
        refuse_outside(bundle, machine.volumes)
        _refuse_hoarding(bundle, machine)
        by_hand = " ".join(_kubectl(machine, "create", "-f", str(bundle.file)))
        about = f"Written by `electra submit`; edit it and type: {by_hand}"
        files[bundle.file.name] = documents(_objects(bundle, machine), about)
    return files


def submit(jobs: Sequence[Job], machine: Kubernetes, folder: Path) -> Iterator[tuple[Stage, str]]:
    for bundle in bundles(jobs, folder):
        output(_kubectl(machine, "create", "-f", str(bundle.file)))
        alone = "trainjob" if bundle.jobs[0].stage is Stage.pretrain else "job"
        for job in bundle.jobs:
            yield job.stage, f"{'jobset' if bundle.is_pipeline else alone}/{bundle.name}"


def state(machine: Kubernetes, stage: Stage, id: str) -> JobState:
    try:
        return state_of(json.loads(output(_kubectl(machine, "get", id, "--output=json"))), stage)
    except UserError as error:
        return JobState("unknown", str(error))


def state_of(resource: dict[str, Any], stage: Stage) -> JobState:
    """Of a resource as the API server shows it. A Job and a TrainJob end in Complete or Failed; a JobSet counts the
    jobs of each stage, and fails as a whole.
    """
    status = resource.get("status", {})
    counts = {each["name"]: each for each in status.get("replicatedJobsStatus", ())}
    if counts.get(stage, {}).get("succeeded"):
        return JobState("done", "Complete")
    held = {each["type"]: each for each in status.get("conditions", ()) if each["status"] == "True"}
    for word, kind in _CONDITIONS.items():
        if word in held:
            said = held[word].get("message", "")
            return JobState(kind, f"{word} ({said})" if said else word)
    counted = [counts[stage]] if stage in counts else [status, *status.get("jobsStatus", ())]
    active = any(each.get("active") for each in counted)
    return JobState("running", "Running") if active else JobState("waiting", "Pending")


def logs(machine: Kubernetes, folder: Path, stage: Stage, id: str) -> list[str]:
    kind, _, name = id.partition("/")
    label = "batch.kubernetes.io/job-name" if kind == "job" else "jobset.sigs.k8s.io/jobset-name"
    member = f",jobset.sigs.k8s.io/replicatedjob-name={stage}" if kind == "jobset" else ""
    return [" ".join(_kubectl(machine, "logs", f"--selector={label}={name}{member}", "--prefix", "--tail=-1"))]


def cancel(machine: Kubernetes, id: str) -> list[str]:
    kind, _, name = id.partition("/")
    runtime = [f"trainingruntime/{name}"] if kind == "trainjob" else []
    return _kubectl(machine, "delete", id, *runtime)


def _refuse_hoarding(bundle: Bundle, machine: Kubernetes) -> None:
    """Raises UserError where GPUs would be kept for a stage that waits: Kueue lets a JobSet begin as a whole."""
    late = next((job for job in bundle.jobs if job.after and job.stage.computes), None)
    if late and machine.queue and machine.gpus:
        first = " and ".join(late.after)
        raise UserError(
            f"--stage {late.stage}: would wait for {first} with its GPUs kept for it, since the queue {machine.queue} "
            f"admits all stages at once; submit {first} alone, and {late.stage} when `electra status` says that it is "
            "done, or name a machine without a queue"
        )


def _objects(bundle: Bundle, machine: Kubernetes) -> list[dict[str, Any]]:
    job, name = bundle.jobs[0], bundle.name
    if bundle.is_pipeline:
        members = [_member(each, machine, name) for each in bundle.jobs]
        return [_object(JOBSET, "JobSet", machine, name, {"replicatedJobs": members})]
    if job.stage is Stage.pretrain:
        return _train(job, machine, name)
    return [_object("batch/v1", "Job", machine, name, _work(job, machine, _command(job, machine)))]


def _member(job: Job, machine: Kubernetes, name: str) -> dict[str, Any]:
    """Of the JobSet `name`, which makes a job of it once those that it depends on are complete: until then it has no
    pods, and holds nothing.
    """
    after = [{"name": str(stage), "status": "Complete"} for stage in job.after]
    # Trainer is not there to give every pod its place. A JobSet's pods have names that are known beforehand.
    host = f"{name}-{job.stage}-0-0.{name}"
    command = _torchrun(job, machine, host) if job.stage is Stage.pretrain else _command(job, machine)
    order = {"dependsOn": after} if after else {}
    return {"name": str(job.stage), **order, "template": {"spec": _work(job, machine, command)}}


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
    command = job.torchrun(shutdown_seconds=machine.warning)
    trainer = {
        "numNodes": job.nodes,
        "command": ["python", *map(_literal, command)],
        "resourcesPerNode": _resources(machine, gpus=machine.gpus),
    }
    reference = {"apiGroup": TRAINER.partition("/")[0], "kind": "TrainingRuntime", "name": name}
    return [
        _object(TRAINER, "TrainingRuntime", machine, name, runtime, queued=False),
        _object(TRAINER, "TrainJob", machine, name, {"runtimeRef": reference, "trainer": trainer}),
    ]


def _work(job: Job, machine: Kubernetes, command: list[str]) -> dict[str, Any]:
    """An Indexed Job's spec: of a preparation every pod has its share, a run has as many as nodes, the rest has one."""
    trains = job.stage is Stage.pretrain
    gpus = machine.gpus if trains else min(machine.gpus, 1) if job.stage.computes else 0
    work = {"command": command, "resources": _resources(machine, gpus=gpus)}
    # The pods of a run fail together.
    limit = {"backoffLimit": machine.restarts * job.nodes} if trains else {"backoffLimitPerIndex": machine.restarts}
    return {
        "completionMode": "Indexed",
        "completions": job.nodes,
        "parallelism": job.nodes,
        **limit,
        "podFailurePolicy": _failures(job.stage),
        "template": {"spec": _pod(job, machine, job.stage, work, grace=machine.warning + 30 if trains else 30)},
    }


def _command(job: Job, machine: Kubernetes) -> list[str]:
    command = ["python", *map(_literal, job.command())]
    if job.stage is Stage.prepare:
        # A container sees all cores of its node.
        command += ["--task", f"$(JOB_COMPLETION_INDEX)/{job.nodes}", "--workers", str(machine.cpus)]
    return command


def _torchrun(job: Job, machine: Kubernetes, host: str) -> list[str]:
    layout = [f"--nnodes={job.nodes}", "--node-rank=$(JOB_COMPLETION_INDEX)"]
    layout += [f"--master-addr={host}", f"--master-port={PORT}"]
    words = job.torchrun(*layout, shutdown_seconds=machine.warning)
    return ["python", *(word if word in layout else _literal(word) for word in words)]


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
    leaves_with = {"containerName": container, "operator": "In"}
    return {
        "rules": [
            {"action": "FailJob", "onExitCodes": {**leaves_with, "values": [EXIT_USER_ERROR]}},
            {"action": "Ignore", "onExitCodes": {**leaves_with, "values": [EXIT_UNFINISHED]}},
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


def _literal(word: str) -> str:
    """Kubernetes puts a variable in place of $(NAME), and $( in place of $$(."""
    return word.replace("$(", "$$(")


def _kubectl(machine: Kubernetes, *arguments: str) -> list[str]:
    context = [f"--context={machine.context}"] if machine.context else []
    return ["kubectl", *context, f"--namespace={machine.namespace}", *arguments]
