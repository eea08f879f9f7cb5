"""A tracker gets the values in their order, and a tracker that waits or fails leaves a sentence and nothing else."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from configs.recipe import Recipe
from pretrain.run.trackers import delivery as module
from pretrain.run.trackers.delivery import Delivery
from pretrain.run.trackers.interface import Experiment
from pretrain.run.trackers.memory import Memory


class Notes:
    """A tracker that keeps what it is given. It waits before each value until `gate` is open."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self.gate = threading.Event()
        self.gate.set()

    def start(self, experiment: Experiment, memory: Memory) -> Notes:
        memory.ids["experiment"] = "7"
        return self

    def scalars(self, step: int, values: dict[str, float]) -> None:
        self.gate.wait()
        if -1 in values.values():
            raise RuntimeError("https://ann:opensesame@host is away\nTraceback")
        self.values.append((step, values))

    def close(self, *, failed: bool) -> None:
        self.values.append(failed)


@pytest.fixture
def notes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Notes]:
    """Return the tracker of the file pretrain/run/trackers/notes.py, as it were."""
    tracker = Notes()
    monkeypatch.setitem(sys.modules, "pretrain.run.trackers.notes", SimpleNamespace(start=tracker.start))
    yield tracker
    tracker.gate.set()


@pytest.fixture
def experiment(small_recipe: Recipe, tmp_path: Path) -> Experiment:
    return Experiment(tmp_path, 0, small_recipe)


def put(delivery: Delivery, step: int, **values: float) -> None:
    delivery.put(step, values, lambda tracker, new: tracker.scalars(step, {tag: values[tag] for tag in new}))


def test_values_arrive_in_their_order_and_only_once(notes: Notes, experiment: Experiment) -> None:
    for start in (1, 3):
        delivery = Delivery("notes", experiment)
        for step in range(start, start + 4):
            put(delivery, step, loss=0.5)
        put(delivery, 4, auc=0.75)
        delivery.close(failed=start == 1)
        assert delivery.problem is None
    first = [(step, {"loss": 0.5}) for step in (1, 2, 3, 4)]
    assert notes.values == [*first, (4, {"auc": 0.75}), True, (5, {"loss": 0.5}), (6, {"loss": 0.5}), False]
    assert Memory.read(experiment.run, "notes").last_steps == {"loss": 6, "auc": 4}


def test_a_failure_loses_only_its_value_and_shows_no_password(notes: Notes, experiment: Experiment) -> None:
    delivery = Delivery("notes", experiment)
    for step, loss in ((1, 0.5), (2, -1), (3, -1), (4, 0.25)):
        put(delivery, step, loss=loss)
    delivery.close(failed=False)
    assert delivery.problem == "failed (https://host is away)"
    assert notes.values == [(1, {"loss": 0.5}), (4, {"loss": 0.25}), False]


def test_a_tracker_that_cannot_start_leaves_a_sentence(experiment: Experiment) -> None:
    (experiment.run / "tensorboard").write_text("not a folder")
    delivery = Delivery("tensorboard", experiment)
    put(delivery, 1, loss=0.5)
    delivery.close(failed=False)
    assert delivery.problem and delivery.problem.startswith("failed (") and "tensorboard" in delivery.problem


def test_a_tracker_that_does_not_answer_is_not_waited_for(
    notes: Notes, experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LAST_SECONDS", 0.0)
    notes.gate.clear()
    delivery = Delivery("notes", experiment)
    for step in range(2 * module._MOST_WAITING):
        put(delivery, step, loss=0.5)
    assert delivery.problem == "does not keep up, so some values are left out"
    delivery.problem = None
    delivery.close(failed=False)
    assert delivery.problem == "does not keep up, so some values are left out"
    assert not notes.values
