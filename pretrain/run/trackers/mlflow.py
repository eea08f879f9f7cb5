"""MLflow: MLFLOW_TRACKING_URI says where values go, such as http://127.0.0.1:5000 or sqlite:///mlflow.db."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping

import mlflow
import numpy as np
from mlflow.entities import Metric, Param
from mlflow.tracking import MlflowClient

from configs.common.secrets import without_secrets
from pretrain.run.trackers.interface import PROJECT, Experiment
from pretrain.run.trackers.memory import Memory

# MLflow accepts at most this many parameters in a request.
_MOST_PARAMS = 100


def start(experiment: Experiment, memory: Memory) -> Mlflow:
    """Begin a run in MLflow, or resume the one in `memory` if it is in the same store."""
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    client = MlflowClient()
    store = without_secrets(mlflow.get_tracking_uri())
    if memory.ids.get("store") == store:
        client.update_run(memory.ids["run"], status="RUNNING")
        return Mlflow(client, memory.ids["run"])
    run = client.create_run(_experiment_id(client), run_name=experiment.name).info.run_id
    params = [Param(name, str(value)) for name, value in experiment.hparams.items()]
    for first in range(0, len(params), _MOST_PARAMS):
        client.log_batch(run, params=params[first : first + _MOST_PARAMS])
    memory.ids, memory.last_steps = {"store": store, "run": run}, {}
    return Mlflow(client, run)


def _experiment_id(client: MlflowClient) -> str:
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME", PROJECT)
    existing = client.get_experiment_by_name(name)
    return existing.experiment_id if existing else client.create_experiment(name)


class Mlflow:
    """A run in MLflow. Texts, histograms and pictures are artifacts of it, because MLflow draws only numbers."""

    def __init__(self, client: MlflowClient, run: str):
        self._client, self._run = client, run

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        milliseconds = int(time.time() * 1000)
        metrics = [Metric(tag, value, milliseconds, step) for tag, value in values.items()]
        self._client.log_batch(self._run, metrics=metrics)

    def text(self, step: int, tag: str, text: str) -> None:
        self._client.log_text(self._run, text, _artifact(step, tag, "md"))

    def histogram(self, step: int, tag: str, counts: np.ndarray, edges: np.ndarray) -> None:
        self._client.log_dict(
            self._run, {"counts": counts.tolist(), "edges": edges.tolist()}, _artifact(step, tag, "json")
        )

    def image(self, step: int, tag: str, pixels: np.ndarray) -> None:
        self._client.log_image(self._run, pixels, _artifact(step, tag, "png"))

    def close(self, *, failed: bool) -> None:
        self._client.set_terminated(self._run, "FAILED" if failed else "FINISHED")


def _artifact(step: int, tag: str, ending: str) -> str:
    return f"{tag}/step-{step:08d}.{ending}"
