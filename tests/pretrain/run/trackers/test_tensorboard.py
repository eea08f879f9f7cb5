"""TensorBoard's own reader gives back what a run wrote, once for each step, and its plugins find their data."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.hparams import metadata
from tensorboard.util import tensor_util

from configs.recipe import Recipe
from pretrain.run.logs import read_metrics
from pretrain.run.trackers.interface import Experiment
from pretrain.run.trackers.memory import Memory
from pretrain.run.trackers.tags import tag_of
from pretrain.run.trackers.tensorboard import LAYOUT, TensorBoard, start
from tests.trained import run as run

EVERYTHING = {"scalars": 0, "histograms": 0, "images": 0, "tensors": 0}


def opened(recipe: Recipe, run: Path, first_step: int) -> TensorBoard:
    return start(Experiment(run, first_step, recipe), Memory.read(run, "tensorboard"))


def read(run: Path) -> EventAccumulator:
    return EventAccumulator(str(run / "tensorboard"), EVERYTHING).Reload()


def test_a_run_shows_every_value_of_its_metrics(run: Path) -> None:
    expected = {
        tag_of(line["kind"], name): value
        for line in read_metrics(run)
        for name, value in line.items()
        if name not in ("kind", "step")
    }
    board = read(run)
    assert set(board.Tags()["scalars"]) == expected.keys()
    assert {tag: board.Scalars(tag)[-1].value for tag in expected} == pytest.approx(expected, rel=1e-6)
    assert {tag.partition("/")[0] for tag in expected} == {
        *("loss", "generator", "optimizer", "gradient_norm", "data", "speed", "heldout"),
    }


def test_steps_after_a_resume_are_shown_once(small_recipe: Recipe, tmp_path: Path) -> None:
    for first_step, factor in ((0, 1.0), (2, 10.0), (2, 100.0)):
        tracker = opened(small_recipe, tmp_path, first_step)
        for step in range(first_step + 1, 5):
            tracker.scalars(step, {"loss/total": step * factor, "loss/mlm": math.nan})
        tracker.close(failed=False)
    board = read(tmp_path)
    values = [(event.step, event.value) for event in board.Scalars("loss/total")]
    assert values == [(1, 1), (2, 2), (3, 300), (4, 400)]
    assert [event.step for event in board.Scalars("loss/mlm")] == [1, 2, 3, 4]


def test_hparams_and_the_layout_are_written_once(small_recipe: Recipe, tmp_path: Path) -> None:
    for first_step in (0, 0, 3):
        opened(small_recipe, tmp_path, first_step).close(failed=False)
    board = read(tmp_path)
    (event,) = board.Tensors("custom_scalars__config__")
    layout = layout_pb2.Layout.FromString(  # type: ignore[attr-defined]  it has generated classes
        tensor_util.make_ndarray(event.tensor_proto).item()
    )
    assert [chart.title for category in layout.category for chart in category.chart] == [*LAYOUT["The run"]]
    stored = metadata.parse_session_start_info_plugin_data(
        board.SummaryMetadata(metadata.SESSION_START_INFO_TAG).plugin_data.content
    ).hparams
    assert stored["optimizer.learning_rate"].number_value == small_recipe.optimizer.learning_rate
    assert stored["compute.precision"].string_value == small_recipe.compute.precision
    # The last part of a name is the number of the writer in its process.
    files = sorted((tmp_path / "tensorboard").iterdir(), key=lambda file: int(file.name.rpartition(".")[2]))
    assert [metadata.SESSION_START_INFO_TAG.encode() in file.read_bytes() for file in files] == [True, False, False]


def test_texts_histograms_and_images_are_read_back(small_recipe: Recipe, tmp_path: Path) -> None:
    tracker = opened(small_recipe, tmp_path, 0)
    tracker.text(6, "heldout/sample", "**掩码**")
    tracker.histogram(6, "discriminator/logits", np.array([1, 0, 3]), np.array([-1.0, 0.0, 1.0, 2.0]))
    tracker.image(6, "discriminator/calibration", np.zeros((3, 5, 3), np.uint8))
    tracker.close(failed=False)
    board = read(tmp_path)
    (text,) = board.Tensors("heldout/sample/text_summary")
    assert text.tensor_proto.string_val[0].decode() == "**掩码**"
    (histogram,) = board.Histograms("discriminator/logits")
    assert histogram.step == 6 and histogram.histogram_value.num == 4
    assert histogram.histogram_value.sum == -0.5 + 3 * 1.5
    assert histogram.histogram_value.sum_squares == 0.25 + 3 * 2.25
    assert histogram.histogram_value.bucket_limit == [0.0, 1.0, 2.0]
    assert histogram.histogram_value.bucket == [1, 0, 3]
    (image,) = board.Images("discriminator/calibration")
    assert (image.step, image.width, image.height) == (6, 5, 3)
