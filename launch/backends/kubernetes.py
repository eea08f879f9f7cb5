"""This backend starts jobs on Kubernetes.

Training is a TrainJob of Kubeflow Trainer 2, and every other stage is a batch Job. Stages that wait for each other are
the jobs of a JobSet. The API objects are explained at kubernetes.io/docs/concepts/workloads/controllers/job,
kubeflow.org/docs/components/trainer and jobset.sigs.k8s.io/docs/concepts.
"""

from __future__ import annotations

import json
import shlex
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
# Kubeflow Trainer gives this name to the replicated job and to the container that train.
NODE = "node"
_CONDITIONS: dict[str, Kind] = {"Complete": "done", "Failed": "failed", "Suspended": "waiting"}


def render(jobs: Sequence[Job], machine: Kubernetes, folder: Path) -> dict[str, str]:
    files: dict[str, str] = {}
    for bundle in bundles(jobs, folder):
        refuse_outside(bundle, machine.volumes)
        _refuse_hoarding(bundle, machine)
        by_hand = shlex.join(_kubectl(machine, "create", "-f", str(bundle.file)))
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
    """Return the state of a stage from a resource as the API server shows it.

    A Job and a TrainJob end with the condition Complete or Failed. A JobSet counts the jobs of each stage, and fails as
    a whole.
    """
    status = resource.get("status", {})
    counts = {each["name"]: each for each in status.get("replicatedJobsStatus", ())}
    if counts.get(stage, {}).get("succeeded"):
        return JobState("done", "Complete")
    held = {each["type"]: each for each in status.get("conditions", ()) if each["status"] == "True"}
    for word, kind in _CONDITIONS.items():
        if word in held:
            message = held[word].get("message", "")
            return JobState(kind, f"{word} ({message})" if message else word)
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
    """Raise UserError if idle GPUs would be reserved for a stage that waits for another.

    This happens with a queue of Kueue, because Kueue admits all stages of a JobSet at once.
    """
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
    """Return a stage as a member of the JobSet `name`.

    The JobSet creates the job of the stage when the stages it depends on are complete. Until then the stage has no pods
    and occupies nothing.
    """
    after = [{"name": str(stage), "status": "Complete"} for stage in job.after]
    # In a JobSet no Trainer tells the pods the address of the first node. It follows from the names of the
    # JobSet and of the stage.
    host = f"{name}-{job.stage}-0-0.{name}"
    command = _torchrun(job, machine, host) if job.stage is Stage.pretrain else _command(job, machine)
    order = {"dependsOn": after} if after else {}
    return {"name": str(job.stage), **order, "template": {"spec": _work(job, machine, command)}}


def _train(job: Job, machine: Kubernetes, name: str) -> list[dict[str, Any]]:
    """Return a TrainJob and a TrainingRuntime for it alone.

    The runtime states which failures count, because a TrainJob cannot change that in a shared runtime.
    """
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
    """Return the spec of an Indexed Job.

    A preparation has a pod for each share of the corpus, a run has a pod for each node, and other stages have one pod.
    """
    trains = job.stage is Stage.pretrain
    gpus = machine.gpus if trains else min(machine.gpus, 1) if job.stage.computes else 0
    work = {"command": command, "resources": _resources(machine, gpus=gpus)}
    # The pods of a run fail together, so their failures are counted for the whole job. Other pods are counted singly.
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
        # We state the number of workers, because a container sees all cores of its node.
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
    """Return an API object. With a queue it is suspended until Kueue admits it."""
    metadata: dict[str, Any] = {"name": name, "namespace": machine.namespace}
    if machine.queue and queued:
        metadata["labels"] = {"kueue.x-k8s.io/queue-name": machine.queue}
        spec = {"suspend": True, **spec}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}


def _failures(container: str) -> dict[str, Any]:
    """Return the policy for failed pods.

    A mistake in the input ends the job. A pod that was asked to stop is replaced, which does not count as an attempt.
    """
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
        "restartPolicy": "Never",  # podFailurePolicy requires this value.
        "terminationGracePeriodSeconds": grace,
        "containers": [
            {
                "name": container,
                "image": machine.image,
                **work,
                "env": [{"name": name, "value": value} for name, value in environment.items()],
                # NCCL exchanges data through /dev/shm, which has only 64 MB in a container by default.
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
    """Escape a word, because Kubernetes would replace $(NAME) by a variable. It turns $$( back into $(."""
    return word.replace("$(", "$$(")


def _kubectl(machine: Kubernetes, *arguments: str) -> list[str]:
    context = [f"--context={machine.context}"] if machine.context else []
    return ["kubectl", *context, f"--namespace={machine.namespace}", *arguments]
