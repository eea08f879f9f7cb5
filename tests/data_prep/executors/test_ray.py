"""Run `prepare --engine ray` on a local Ray, and on a cluster that already exists."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.data_prep.conftest import Preparations, fingerprint, finished, holding, wait_until
from tests.slurm import processes

pytest.importorskip("ray", reason='no Ray here; pip install ".[ray]"')
ON_RAY = ("--engine", "ray", "--workers", "2")

# This program runs a head node of one core and a second node of one core, until its input ends.
CLUSTER = """
from ray.cluster_utils import Cluster
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
cluster.add_node(num_cpus=1)
print(cluster.address, flush=True)
input()
cluster.shutdown()
"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with subprocess.Popen(
        [sys.executable, "-c", CLUSTER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as cluster:
        assert cluster.stdout and cluster.stdin
        yield cluster.stdout.readline().strip()
        cluster.stdin.close()


@pytest.mark.parametrize(
    "workers", [pytest.param("1", marks=pytest.mark.slow), "2", pytest.param("5", marks=pytest.mark.slow)]
)
def test_the_bytes_are_those_of_one_machine(
    address: str,
    preparations: Preparations,
    whole: dict[str, str],
    tmp_path: Path,
    workers: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", address)
    done = preparations.run(tmp_path / "out", "--engine", "ray", "--workers", workers)
    assert done.returncode == 0, done.stderr
    assert fingerprint(tmp_path / "out") == whole


@pytest.mark.slow
def test_a_killed_worker_is_replaced(preparations: Preparations, whole: dict[str, str], tmp_path: Path) -> None:
    out = tmp_path / "out"
    with holding(out, 5):
        command = preparations.start(out, *ON_RAY)
        # The worker that has the last task waits, so it is there.
        wait_until(lambda: len(finished(out)) == preparations.num_tasks - 1 and [*_workers(command.pid)])
        os.kill(next(_workers(command.pid)), signal.SIGKILL)
    _, error = command.communicate()
    assert command.returncode == 0, error
    assert fingerprint(out) == whole


@pytest.mark.slow
def test_killed_and_repeated_it_gives_the_same_bytes(
    preparations: Preparations, whole: dict[str, str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with holding(out, 4, 5):
        command = preparations.start(out, *ON_RAY)
        wait_until(lambda: len(finished(out)) >= 2)
        command.kill()
        command.communicate()
    marks = finished(out)
    with holding(out, 5):
        again = preparations.start(out, *ON_RAY)
        wait_until(lambda: len(finished(out)) > len(marks))
        assert marks.items() <= finished(out).items()
    _, error = again.communicate()
    assert again.returncode == 0, error
    assert fingerprint(out) == whole


@pytest.mark.slow
def test_bad_input_is_one_sentence_and_leaves_nothing(
    preparations: Preparations, whole: dict[str, str], tmp_path: Path
) -> None:
    """The last of several tasks meets the bad input while another task is still in work."""
    text = tmp_path / "bad.jsonl"
    good = json.dumps({"text": "a good line with words " * 10_000})
    text.write_text("\n".join([*[good] * 20, '{"no text": 1}']))
    vocabulary = preparations.folder / "whole" / "vocab.txt"
    options = (f"data.sources={text}", f"vocabulary.source={vocabulary}")
    done = preparations.run(tmp_path / "out", *ON_RAY, *options)
    assert done.returncode == 2 and "has no field 'text'" in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_interrupted_it_says_so(preparations: Preparations, whole: dict[str, str], tmp_path: Path) -> None:
    out = tmp_path / "out"
    with holding(out, 5):
        command = preparations.start(out, *ON_RAY)
        wait_until(lambda: finished(out))
        os.killpg(command.pid, signal.SIGINT)  # Ctrl-C sends the same signal
    _, error = command.communicate()
    assert command.returncode == 75 and "interrupted; the same command continues" in " ".join(error.split()), error


def test_an_address_where_nobody_answers(
    preparations: Preparations, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    done = preparations.run(tmp_path / "out", *ON_RAY)
    assert done.returncode == 2 and "no Ray cluster answers at 127.0.0.1:1" in done.stderr, done.stderr


def test_without_ray_a_sentence(preparations: Preparations, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ray.py").write_text("raise ImportError('as if it were not installed')\n")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}")
    done = preparations.run(tmp_path / "out", *ON_RAY)
    assert done.returncode == 2 and 'pip install "electra-pretraining[ray]"' in done.stderr, done.stderr


def _workers(command: int) -> Iterator[int]:
    """Return the workers of a command's local Ray that are at work on a task."""
    return (process for process in processes("ray::_run_task") if os.getsid(process) == command)
