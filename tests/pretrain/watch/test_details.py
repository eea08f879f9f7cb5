"""The details of an evaluation, as TensorBoard reads them back."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from pretrain.run.distributions import read_distributions
from pretrain.run.logs import read_metrics
from pretrain.run.samples import read_samples
from pretrain.watch.distribution_figures import detection_figures
from pretrain.watch.sample_text import markdown
from tests.trained import run as run

HISTOGRAMS = [
    ("generator_entropy", "entropy"),
    ("logits_of_originals", "original_logits"),
    ("logits_of_replacements", "replaced_logits"),
]


@pytest.fixture(scope="module")
def board(run: Path) -> EventAccumulator:
    events = EventAccumulator(str(run / "tensorboard"), size_guidance={"tensors": 0, "histograms": 0, "images": 0})
    events.Reload()
    return events


def test_tensorboard_has_the_samples_of_each_evaluation(run: Path, board: EventAccumulator) -> None:
    shown = [
        (event.step, event.tensor_proto.string_val[0].decode())
        for event in board.Tensors("heldout/samples/text_summary")
    ]
    assert shown == [(samples.step, markdown(samples)) for samples in read_samples(run)]


@pytest.mark.parametrize(("name", "field"), HISTOGRAMS)
def test_tensorboard_has_the_histograms_of_each_evaluation(
    run: Path, board: EventAccumulator, name: str, field: str
) -> None:
    kept = {line.step: getattr(line, field) for line in read_distributions(run)}
    shown = {event.step: event.histogram_value for event in board.Histograms(f"heldout/{name}")}
    assert shown.keys() == kept.keys()
    for step, histogram in kept.items():
        assert shown[step].num == sum(histogram.counts)
        assert np.sum(shown[step].bucket) == sum(histogram.counts)
        assert shown[step].bucket_limit[-1] == pytest.approx(histogram.borders[-1])


def test_tensorboard_has_the_curves_of_the_discriminator_as_the_report_draws_them(
    run: Path, board: EventAccumulator
) -> None:
    trained = read_distributions(run)
    for line in trained:
        for name, figure in detection_figures({"held-out rows": line}).items():
            assert [event.step for event in board.Images(f"heldout/{name}")] == [line.step for line in trained]
            (shown,) = [event for event in board.Images(f"heldout/{name}") if event.step == line.step]
            image = np.asarray(Image.open(BytesIO(shown.encoded_image_string)))
            assert (image == figure.pixels).all()


def test_tensorboard_has_the_norms_of_each_part_since_the_evaluation_before(run: Path, board: EventAccumulator) -> None:
    """Each of twelve steps is logged, and the run is evaluated after 6 and 12 of them."""
    norms = [line["gradient_norm/heads/rtd"] for line in read_metrics(run) if line["kind"] == "training"]
    shown = {event.step: event.histogram_value for event in board.Histograms("gradient_norms/heads/rtd")}
    assert shown.keys() == {6, 12}
    for step, latest in ((6, norms[:6]), (12, norms[6:])):
        assert shown[step].num == 6
        assert (shown[step].min, shown[step].max) == pytest.approx((min(latest), max(latest)))
    layers = {"generator/layer_1", "discriminator/layer_1", "discriminator/layer_2"}
    assert {f"gradient_norms/{layer}" for layer in layers} <= set(board.Tags()["histograms"])


def test_the_verdict_of_every_evaluation_is_in_tensorboard(board: EventAccumulator) -> None:
    texts = {event.step: event.tensor_proto.string_val[0].decode() for event in board.Tensors("health/text_summary")}
    assert list(texts) == [6, 12]
    # Lines about the speed of a busy machine may follow.
    assert texts[12].splitlines()[0] == "- too early at step 12 to judge whether the model learns"
