"""Run pods as plain processes, with the environment that their controllers set.

The environment of a TrainJob follows Kubeflow Trainer's torch runtime: kubeflow/trainer v2.3.0,
pkg/runtime/framework/plugins/torch/torch.go. The environment of an Indexed Job, which a JobSet makes of each stage,
follows kubernetes.io/docs/concepts/workloads/controllers/job. The name under which a JobSet publishes a pod follows
kubernetes-sigs/jobset v0.12.0, api/jobset/v1alpha2/jobset_types.go, Network.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest
import tomli_w
import yaml

from configs.common.errors import EXIT_UNFINISHED
from configs.common.files import read_json
from configs.load import load
from launch.backends import kubernetes
from launch.jobs import Stage, pipeline
from tests.conftest import SMALL
from tests.integration.test_run import start, training, wait_for_step
from tests.launch.backends.test_kubernetes import machine

# A pod is its command and its environment.
Pod = tuple[list[str], dict[str, str]]


class Pods:
    """The pods that `electra submit` would create for these stages of a run on two nodes, which meet at this port."""

    def __init__(self, stages: Sequence[Stage], corpus: Path, folder: Path, port: int, *overrides: str):
        chosen = machine(gpus=0, cpus=1, volumes={"/": "everything"})
        recipe = folder / "recipe.toml"
        recipe.write_text(tomli_w.dumps(load("tiny", [*SMALL, *overrides]).to_dict()))
        jobs = pipeline(stages, (str(recipe),), corpus, folder / "run", nodes=2, processes=1)
        [text] = kubernetes.render(jobs, chosen, folder).values()
        manifests = {each["kind"]: each for each in yaml.safe_load_all(text)}
        self.run, self.folder = folder / "run", folder
        self._pods = (of_a_job_set if "JobSet" in manifests else of_a_train_job)(manifests, port)

    def start(self, stage: Stage, *more: str) -> list[subprocess.Popen[str]]:
        return [self._start(f"{stage}-{index}", *pod, more) for index, pod in enumerate(self._pods[stage])]

    def _start(
        self, name: str, command: list[str], environment: dict[str, str], more: Sequence[str]
    ) -> subprocess.Popen[str]:
        """Start a pod as the kubelet does: variables replace their names, and only the pod's environment is passed."""
        python, *words = (re.sub(r"\$\((\w+)\)", lambda variable: environment[variable[1]], word) for word in command)
        assert python == "python"
        of_the_image = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return subprocess.Popen(
            [sys.executable, *words, *more],
            env=of_the_image | environment,
            stdout=subprocess.DEVNULL,
            stderr=open(self.folder / f"{name}.log", "w"),
            text=True,
        )

    def logs(self) -> str:
        return "\n".join(path.read_text() for path in sorted(self.folder.glob("*.log")))


def of_a_train_job(manifests: dict[str, Any], port: int) -> dict[Stage, list[Pod]]:
    trainer = manifests["TrainJob"]["spec"]["trainer"]
    [node] = manifests["TrainingRuntime"]["spec"]["template"]["spec"]["replicatedJobs"]
    set_by_the_controller = {
        "PET_NNODES": str(trainer["numNodes"]),
        "PET_NPROC_PER_NODE": "1",
        "PET_MASTER_ADDR": "127.0.0.1",
        "PET_MASTER_PORT": str(port),
    }
    environment = environment_of(node["template"]["spec"]) | set_by_the_controller
    ranks = range(trainer["numNodes"])
    return {Stage.pretrain: [(trainer["command"], environment | {"PET_NODE_RANK": str(rank)}) for rank in ranks]}


def of_a_job_set(manifests: dict[str, Any], port: int) -> dict[Stage, list[Pod]]:
    name = manifests["JobSet"]["metadata"]["name"]
    pods: dict[Stage, list[Pod]] = {}
    for member in manifests["JobSet"]["spec"]["replicatedJobs"]:
        spec = member["template"]["spec"]
        # In a cluster, this name leads to the first pod of the stage; here it is replaced by a local address and port.
        first = f"--master-addr={name}-{member['name']}-0-0.{name}"
        here = {first: "--master-addr=127.0.0.1", "--master-port=29500": f"--master-port={port}"}
        words: list[str] = spec["template"]["spec"]["containers"][0]["command"]
        pods[Stage(member["name"])] = [
            ([here.get(word, word) for word in words], environment_of(spec) | {"JOB_COMPLETION_INDEX": str(index)})
            for index in range(spec["completions"])
        ]
    return pods


def environment_of(job: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["value"] for each in job["template"]["spec"]["containers"][0]["env"]}


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def codes(processes: list[subprocess.Popen[str]]) -> list[int]:
    return [process.wait(timeout=120) for process in processes]


@pytest.mark.slow
def test_one_is_asked_to_leave_all_save_and_the_next_pods_go_on(corpus_folder: Path, tmp_path: Path, port: int) -> None:
    pods = Pods([Stage.pretrain], corpus_folder, tmp_path, port)
    first = pods.start(Stage.pretrain)
    wait_for_step(pods.run, 2, first[0])
    first[1].send_signal(signal.SIGTERM)  # as when a node is drained
    assert codes(first) == [EXIT_UNFINISHED, EXIT_UNFINISHED], pods.logs()
    assert 2 <= max(training(pods.run)) < 12
    assert codes(pods.start(Stage.pretrain)) == [0, 0], pods.logs()
    undisturbed = start(corpus_folder, tmp_path / "undisturbed", processes=2)
    assert undisturbed.returncode == 0, undisturbed.stderr
    assert training(pods.run) == training(tmp_path / "undisturbed")


@pytest.mark.slow
def test_a_pipeline_one_stage_after_the_other(corpus_folder: Path, text_file: Path, tmp_path: Path, port: int) -> None:
    corpus = tmp_path / "corpus"
    pods = Pods([*Stage], corpus, tmp_path, port, f"data.sources={text_file}")
    for stage in Stage:
        assert set(codes(pods.start(stage))) == {0}, pods.logs()
    assert read_json(corpus / "manifest.json")["sha256"] == read_json(corpus_folder / "manifest.json")["sha256"]
    undisturbed = start(corpus_folder, tmp_path / "undisturbed", processes=2)
    assert undisturbed.returncode == 0, undisturbed.stderr
    assert training(pods.run) == training(tmp_path / "undisturbed")
    assert {path.name for path in (pods.run / "export").iterdir()} == {"discriminator", "generator"}


@pytest.mark.parametrize("stages", [[*Stage], pytest.param([Stage.pretrain], marks=pytest.mark.slow)])
def test_a_mistake_in_the_input_is_the_exit_code_of_every_pod(
    stages: list[Stage], corpus_folder: Path, tmp_path: Path, port: int
) -> None:
    pods = Pods(stages, corpus_folder, tmp_path, port)
    assert codes(pods.start(Stage.pretrain, "batch.rows=9")) == [2, 2], pods.logs()
    assert "batch.rows: 9 rows do not divide among 2 processes" in pods.logs()


@pytest.mark.slow
def test_a_pod_that_is_lost_is_a_failure_that_counts(corpus_folder: Path, tmp_path: Path, port: int) -> None:
    """A lost pod ends with neither 2 nor 75: the other pods end too, and all of them are started again."""
    pods = Pods([Stage.pretrain], corpus_folder, tmp_path, port)
    first = pods.start(Stage.pretrain, "schedule.steps=100000")
    wait_for_step(pods.run, 2, first[0])
    for lost in [*psutil.Process(first[1].pid).children(recursive=True), first[1]]:
        lost.kill()
    assert codes(first) == [1, -signal.SIGKILL], pods.logs()
