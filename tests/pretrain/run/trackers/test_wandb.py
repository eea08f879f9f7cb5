"""wandb stores a run offline in its own file: every value once, and nothing of the command that was typed."""

from __future__ import annotations

import json
import math
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest

from configs.common.errors import UserError
from configs.load import load
from configs.recipe import Recipe
from pretrain.run.trackers.interface import Experiment, Tracker
from pretrain.run.trackers.memory import Memory

wandb = pytest.importorskip("wandb")
internal = pytest.importorskip("wandb.proto.wandb_internal_pb2")
tracker_file = pytest.importorskip("pretrain.run.trackers.wandb")

BLOCK, HEADER = 32768, 7


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("WANDB_API_KEY", raising=False)


def records(run: Path) -> Iterator[Any]:
    """Yield the records of the starts of a run: chunks of a LevelDB log, which hold wandb's own messages."""
    for path in sorted(run.glob("wandb/offline-run-*/run-*.wandb")):
        data, position, message = path.read_bytes(), HEADER, b""
        while position + HEADER <= len(data):
            if BLOCK - position % BLOCK < HEADER:
                position += BLOCK - position % BLOCK
                continue
            size, kind = struct.unpack_from("<HB", data, position + 4)
            position += HEADER
            message += data[position : position + size]
            position += size
            if kind in (1, 4):  # the whole message, or its last chunk
                yield internal.Record.FromString(message)
                message = b""


def history(run: Path) -> list[dict[str, Any]]:
    """Return the logged values by step, without wandb's own."""
    wandb.teardown()  # wandb's process has then written everything
    lines = []
    for record in records(run):
        if record.WhichOneof("record_type") == "history":
            line = {".".join(item.nested_key): json.loads(item.value_json) for item in record.history.item}
            lines.append({key: value for key, value in line.items() if key == "_step" or not key.startswith("_")})
    return lines


def runs(run: Path) -> list[Any]:
    return [record.run for record in records(run) if record.WhichOneof("record_type") == "run"]


def begin(recipe: Recipe, run: Path, first_step: int = 0) -> Tracker:
    memory = Memory.read(run, "wandb")
    tracker = tracker_file.start(Experiment(run, first_step, recipe), memory)
    memory.save()
    return tracker


def test_a_resumed_run_is_the_same_experiment(small_recipe: Recipe, tmp_path: Path) -> None:
    for first_step in (0, 2):
        tracker = begin(small_recipe, tmp_path, first_step)
        for step in (first_step + 1, first_step + 2):
            tracker.scalars(step, {"loss/total": 1 / step, "loss/mlm": math.nan})
            tracker.scalars(step, {"heldout/auc": 0.75})
        tracker.close(failed=False)
    lines = history(tmp_path)
    assert [(line["_step"], line["loss/total"], line["heldout/auc"]) for line in lines] == [
        (step, 1 / step, 0.75) for step in (1, 2, 3, 4)
    ]
    assert {(run.run_id, run.project, run.display_name) for run in runs(tmp_path)} == {
        (Memory.read(tmp_path, "wandb").ids["run"], "electra", tmp_path.name)
    }


def test_texts_histograms_and_images_are_stored(small_recipe: Recipe, tmp_path: Path) -> None:
    counts, edges = np.arange(1030), np.linspace(0.0, 1030.0, 1031)
    tracker = begin(small_recipe, tmp_path)
    tracker.text(6, "heldout/sample", "a < b\n**掩码**")
    tracker.histogram(6, "discriminator/few", counts[:3], edges[:4])
    tracker.histogram(6, "discriminator/many", counts, edges)
    tracker.image(6, "discriminator/calibration", np.zeros((3, 5, 3), np.uint8))
    tracker.close(failed=True)
    (line,) = history(tmp_path)
    assert line["discriminator/few.values"] == [0, 1, 2] and line["discriminator/few.bins"] == [0, 1, 2, 3]
    # Three bins become one, and the last holds the one that is left over.
    values, bins = line["discriminator/many.values"], line["discriminator/many.bins"]
    assert len(values) == 344 and values[:2] == [0 + 1 + 2, 3 + 4 + 5] and values[-1] == 1029
    assert bins[:2] == [0, 3] and bins[-2:] == [1029, 1030]
    (html,) = tmp_path.glob("wandb/offline-run-*/files/media/html/heldout/*.html")
    assert html.read_text(encoding="utf-8") == "<pre>a &lt; b\n**掩码**</pre>"
    (image,) = tmp_path.glob("wandb/offline-run-*/files/media/images/discriminator/*.png")
    assert plt.imread(image).shape[:2] == (3, 5)
    (exit,) = [record.exit for record in records(tmp_path) if record.WhichOneof("record_type") == "exit"]
    assert exit.exit_code == 1


def test_the_recipe_is_stored_and_passwords_are_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = "data.sources=https://ann:opensesame@host/text.txt"
    monkeypatch.setattr(sys, "argv", ["electra", "pretrain", "tiny", source])
    begin(load("tiny", [source]), tmp_path).close(failed=False)
    wandb.teardown()
    (run,) = runs(tmp_path)
    config = {".".join(item.nested_key) or item.key: json.loads(item.value_json) for item in run.config.update}
    assert config["optimizer.learning_rate"] == 5e-4 and "https://host/text.txt" in config["data.sources"]
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"opensesame" in path.read_bytes()]


def test_a_missing_or_wrong_key_is_refused_before_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    tracker_file.check_login()  # offline, none is needed
    monkeypatch.setenv("WANDB_MODE", "online")
    wandb.teardown()  # it reads the environment again
    with pytest.raises(UserError, match=r"^run\.trackers: wandb: no key is configured; run `wandb login`"):
        tracker_file.check_login()
    monkeypatch.setenv("WANDB_API_KEY", "opensesame")
    with pytest.raises(UserError, match=r"^run\.trackers: wandb: WANDB_API_KEY invalid") as refusal:
        tracker_file.check_login()
    assert "opensesame" not in str(refusal.value)
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    tracker_file.check_login()
    wandb.teardown()
