"""MLflow's own client reads a run back, from a SQLite file and from a server: every value once, also after a resume."""

from __future__ import annotations

import json
import math
import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from configs.load import load
from configs.recipe import Recipe
from data_prep.shards import Corpus
from pretrain.run.logs import read_metrics
from pretrain.run.trackers import delivery
from pretrain.run.trackers.fan_out import Trackers
from pretrain.run.trackers.interface import Experiment, Tracker
from pretrain.run.trackers.memory import Memory
from pretrain.run.trackers.tags import tag_of
from pretrain.step.world import World
from pretrain.train import train

mlflow = pytest.importorskip("mlflow")
tracking = pytest.importorskip("mlflow.tracking")
tracker_file = pytest.importorskip("pretrain.run.trackers.mlflow")
pytestmark = pytest.mark.slow  # making the tables of a store takes ten seconds


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a store without a server, which all tests share."""
    pytest.importorskip("sqlalchemy")
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a server on loopback. MLFLOW_SERVER names its command, which needs packages that ours exclude."""
    if not (command := os.environ.get("MLFLOW_SERVER")):
        pytest.skip("MLFLOW_SERVER names no mlflow command")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("server")
    arguments = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    arguments += ["--backend-store-uri", f"sqlite:///{folder}/server.db", "--artifacts-destination", f"{folder}/a"]
    with open(folder / "server.log", "w") as log:
        process = subprocess.Popen([command, "server", *arguments], stdout=log, stderr=log, start_new_session=True)
    address = f"http://127.0.0.1:{port}"
    while process.poll() is None:
        try:
            urllib.request.urlopen(f"{address}/health")
            break
        except OSError:
            time.sleep(0.2)
    yield address
    os.killpg(process.pid, 15)
    process.wait()


@pytest.fixture(params=["database", "server"])
def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    monkeypatch.chdir(tmp_path)  # the artifacts of a SQLite store lie in the working directory
    uri = request.getfixturevalue(request.param)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    return uri


def begin(recipe: Recipe, run: Path, first_step: int = 0) -> tuple[Tracker, str]:
    """Return a tracker, and the id of its run."""
    memory = Memory.read(run, "mlflow")
    tracker = tracker_file.start(Experiment(run, first_step, recipe), memory)
    memory.save()
    return tracker, memory.ids["run"]


def test_a_resumed_run_is_the_same_run(store: str, small_recipe: Recipe, tmp_path: Path) -> None:
    for first_step in (0, 2):
        tracker, run = begin(small_recipe, tmp_path, first_step)
        assert tracking.MlflowClient().get_run(run).info.status == "RUNNING"
        for step in (first_step + 1, first_step + 2):
            tracker.scalars(step, {"loss/total": 1 / step, "loss/mlm": math.nan})
        tracker.close(failed=first_step == 0)
        ended = tracking.MlflowClient().get_run(run)
        assert ended.info.status == ("FINISHED" if first_step else "FAILED")
    client = tracking.MlflowClient()
    values = [(metric.step, metric.value) for metric in client.get_metric_history(run, "loss/total")]
    assert sorted(values) == [(step, 1 / step) for step in (1, 2, 3, 4)]
    assert all(math.isnan(metric.value) for metric in client.get_metric_history(run, "loss/mlm"))
    assert ended.data.params["optimizer.learning_rate"] == str(small_recipe.optimizer.learning_rate)
    assert ended.info.run_name == tmp_path.name
    assert client.get_experiment(ended.info.experiment_id).name == "electra"


def test_texts_histograms_and_images_are_artifacts(
    store: str, small_recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", f"artifacts of {tmp_path}")
    tracker, run = begin(small_recipe, tmp_path)
    tracker.text(6, "heldout/sample", "**掩码**")
    tracker.histogram(6, "discriminator/logits", np.array([1, 0, 3]), np.array([-1.0, 0.0, 1.0, 2.0]))
    tracker.image(6, "discriminator/calibration", np.zeros((3, 5, 3), np.uint8))
    tracker.close(failed=False)
    folder = Path(tracking.MlflowClient().download_artifacts(run, "", str(tmp_path)))
    assert (folder / "heldout/sample/step-00000006.md").read_text(encoding="utf-8") == "**掩码**"
    assert json.loads((folder / "discriminator/logits/step-00000006.json").read_text()) == {
        "counts": [1, 0, 3],
        "edges": [-1.0, 0.0, 1.0, 2.0],
    }
    assert (folder / "discriminator/calibration/step-00000006.png").read_bytes().startswith(b"\x89PNG")


def test_another_store_begins_another_run(
    database: str, small_recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", database)
    (tmp_path / "trackers").mkdir()
    (tmp_path / "trackers" / "mlflow.json").write_text(
        json.dumps({"ids": {"store": "http://elsewhere:5000", "run": "1"}, "last_steps": {"loss/total": 9}})
    )
    tracker, run = begin(small_recipe, tmp_path)
    tracker.close(failed=False)
    memory = Memory.read(tmp_path, "mlflow")
    assert run != "1" and memory.ids == {"store": database, "run": run} and memory.last_steps == {}


def test_a_run_that_is_trained_has_every_value_of_its_metrics(
    store: str,
    small_recipe: Recipe,
    corpus: Corpus,
    world: World,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(delivery, "_LAST_SECONDS", 1e6)  # a busy machine is not in a hurry
    tables = small_recipe.run.model_copy(update={"trackers": ("tensorboard", "mlflow")})
    recipe = small_recipe.model_copy(update={"run": tables})
    polls = iter(range(100))
    assert not train(recipe, corpus, tmp_path, world, "auto", lambda: next(polls) == 7)
    assert train(recipe, corpus, tmp_path, world, "auto")
    client, run = tracking.MlflowClient(), Memory.read(tmp_path, "mlflow").ids["run"]
    for line in read_metrics(tmp_path):
        for name in line.keys() - {"kind", "step"}:
            history = client.get_metric_history(run, tag_of(line["kind"], name))
            assert [metric.value for metric in history if metric.step == line["step"]] == [pytest.approx(line[name])]


def test_a_server_that_is_away_costs_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://ann:opensesame@127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setattr(delivery, "_LAST_SECONDS", 1e6)  # a busy machine is not in a hurry
    said: list[str] = []
    trackers = Trackers(["mlflow"], Experiment(tmp_path, 0, load("tiny")))
    trackers.open(said.append)
    for step in range(1, 4):
        trackers.scalars(step, {"loss/total": 2.0})
    trackers.close(failed=False)
    (sentence,) = said
    assert sentence.startswith("warning: run.trackers: mlflow failed (") and "opensesame" not in sentence
    assert not list(tmp_path.iterdir())
