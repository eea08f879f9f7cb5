"""Two pods of a TrainJob as two plain processes, with the environment that Kubeflow Trainer's torch runtime sets.

Which variables: kubeflow/trainer v2.3.0, pkg/runtime/framework/plugins/torch/torch.go.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import tomli_w
import yaml

from configs.errors import STOPPED
from configs.load import load
from launch.backends import kubernetes
from launch.jobs import Stage, pipeline
from tests.conftest import SMALL
from tests.integration.test_run import start, training, wait_for_step
from tests.launch.test_kubernetes import machine


class Pods:
    """The command of the TrainJob that `electra submit` would create for this run, as `nodes` processes."""

    def __init__(self, corpus: Path, run: Path, folder: Path):
        chosen = machine(gpus=0, cpus=1, volumes={"/": "everything"})
        recipe = folder / "recipe.toml"
        recipe.write_text(tomli_w.dumps(load("tiny", SMALL).tables()))
        [job] = pipeline([Stage.pretrain], (str(recipe),), corpus, run, nodes=2, processes=1)
        [text] = kubernetes.render(job, chosen, folder).values()
        self.run, self.folder = run, folder
        self._train_job = next(each for each in yaml.safe_load_all(text) if each["kind"] == "TrainJob")

    def start(self, port: int, *more: str) -> list[subprocess.Popen[str]]:
        trainer = self._train_job["spec"]["trainer"]
        python, *words = trainer["command"]
        assert python == "python"
        set_by_the_controller = {
            "PET_NNODES": str(trainer["numNodes"]),
            "PET_NPROC_PER_NODE": "1",
            "PET_MASTER_ADDR": "127.0.0.1",
            "PET_MASTER_PORT": str(port),
        }
        return [
            subprocess.Popen(
                [sys.executable, *words, *more],
                env=os.environ | set_by_the_controller | {"PET_NODE_RANK": str(rank), "OMP_NUM_THREADS": "1"},
                stdout=subprocess.DEVNULL,
                stderr=open(self.folder / f"{rank}.log", "w"),
                text=True,
            )
            for rank in range(trainer["numNodes"])
        ]

    def said(self) -> str:
        return "\n".join((self.folder / f"{rank}.log").read_text() for rank in range(2))


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture
def pods(corpus_folder: Path, tmp_path: Path) -> Iterator[Pods]:
    yield Pods(corpus_folder, tmp_path / "run", tmp_path)


def codes(processes: list[subprocess.Popen[str]]) -> list[int]:
    return [process.wait(timeout=120) for process in processes]


@pytest.mark.slow
def test_one_is_asked_to_leave_all_save_and_the_next_pods_go_on(
    pods: Pods, corpus_folder: Path, tmp_path: Path, port: int
) -> None:
    first = pods.start(port)
    wait_for_step(pods.run, 2, first[0])
    first[1].send_signal(signal.SIGTERM)  # a node is drained
    assert codes(first) == [STOPPED, STOPPED], pods.said()
    assert 2 <= max(training(pods.run)) < 12
    assert codes(pods.start(port)) == [0, 0], pods.said()
    undisturbed = start(corpus_folder, tmp_path / "undisturbed", processes=2)
    assert undisturbed.returncode == 0, undisturbed.stderr
    assert training(pods.run) == training(tmp_path / "undisturbed")


def test_a_mistake_in_the_input_is_the_exit_code_of_every_pod(pods: Pods, port: int) -> None:
    assert codes(pods.start(port, "batch.rows=9")) == [2, 2], pods.said()
    assert "batch.rows: 9 rows do not divide among 2 processes" in pods.said()


@pytest.mark.slow
def test_a_pod_that_is_lost_is_a_failure_that_counts(pods: Pods, port: int) -> None:
    """Neither 2 nor 75: the others end too, and all of them are started again."""
    first = pods.start(port, "schedule.steps=100000")
    wait_for_step(pods.run, 2, first[0])
    for lost in [*psutil.Process(first[1].pid).children(recursive=True), first[1]]:
        lost.kill()
    assert codes(first) == [1, -signal.SIGKILL], pods.said()
