"""What an evaluation shows beyond its scores: lines for the files of the run, and texts and histograms for trackers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from configs.common.pages.figures import can_draw
from pretrain.run.display import EvaluationKind
from pretrain.run.distributions import Distributions
from pretrain.run.samples import Samples
from pretrain.run.trackers.fan_out import Trackers
from pretrain.run.trackers.tags import PART_NORM, tag_of
from pretrain.watch.detection import logit_histograms
from pretrain.watch.distribution_figures import detection_figures
from pretrain.watch.entropy import entropy_histogram
from pretrain.watch.sample_text import markdown
from pretrain.watch.scores import Evaluation

_NORM_BINS = 16
# What a curve of each kind of evaluation is named in its image.
_ROWS: dict[EvaluationKind, str] = {
    "evaluation": "held-out rows",
    "general": "general text",
    "average": "average of the weights",
}


def details_of(
    kind: EvaluationKind, step: int, evaluation: Evaluation, vocabulary: Sequence[str]
) -> tuple[Samples, Distributions]:
    """Return the lines of samples.jsonl and distributions.jsonl."""
    original, replaced = (None, None) if evaluation.logits is None else logit_histograms(evaluation.logits)
    return (
        Samples(kind=kind, step=step, rows=evaluation.excerpts.rows(vocabulary)),
        Distributions(
            kind=kind,
            step=step,
            entropy=entropy_histogram(evaluation.entropies),
            original_logits=original,
            replaced_logits=replaced,
        ),
    )


def send(trackers: Trackers, samples: Samples, distributions: Distributions) -> None:
    """Give the samples as text, the distributions as histograms, and the curves of detection as images to trackers."""
    kind, step = samples.kind, samples.step
    trackers.text(step, tag_of(kind, "samples"), markdown(samples))
    histograms = {
        "generator_entropy": distributions.entropy,
        "logits_of_originals": distributions.original_logits,
        "logits_of_replacements": distributions.replaced_logits,
    }
    for name, histogram in histograms.items():
        if histogram and histogram.counts:
            trackers.histogram(step, tag_of(kind, name), np.array(histogram.counts), histogram.borders)
    # An untrained discriminator has nothing to show, and the import of matplotlib would delay the first step.
    if step and can_draw():
        for name, figure in detection_figures({_ROWS[kind]: distributions}).items():
            trackers.image(step, tag_of(kind, name), figure)


def send_gradient_norms(trackers: Trackers, lines: Sequence[dict[str, Any]], step: int, evaluate_every: int) -> None:
    """Give a histogram for each part of the pair: the norms of its gradient in the logged steps of the last interval.

    `lines` are those of metrics.jsonl, so a run that was interrupted in the interval has the same histograms.
    """
    begin = (step - 1) // evaluate_every * evaluate_every
    latest = [line for line in lines if line["kind"] == "training" and begin < line["step"] <= step]
    for name in latest[0] if latest else ():
        norms = [line[name] for line in latest if line.get(name) is not None]
        if name.startswith(PART_NORM) and norms:
            counts, edges = np.histogram(norms, _NORM_BINS)
            trackers.histogram(step, f"gradient_norms/{name.removeprefix(PART_NORM)}", counts, edges)
