"""Draws the losses and scores of a run: `python -m docs.curves RUN FILE.png`."""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib

from pretrain.run.logs import read_metrics

# Each panel: its title, the score that it shows, and whether the score is also logged in training.
_PANELS = (
    ("Generator: loss (mlm)", "mlm_loss", True),
    ("Generator: masked accuracy", "masked_accuracy", True),
    ("Discriminator: AUC", "auc", False),
)


def points(run: Path, kind: str, score: str) -> tuple[list[int], list[float]]:
    """Steps and values of a score in metrics.jsonl; `kind` is "training" or "evaluation"."""
    lines = [line for line in read_metrics(run) if line["kind"] == kind and line.get(score) is not None]
    return [line["step"] for line in lines], [line[score] for line in lines]


def draw(run: Path, picture: Path) -> None:
    """Write one panel for each score into the file `picture`."""
    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(_PANELS), figsize=(10, 2.8), dpi=100, layout="constrained")
    for axis, (title, score, trained) in zip(axes, _PANELS, strict=True):
        if trained:
            axis.plot(*points(run, "training", score), color="#9fa8da", label="training")
        axis.plot(*points(run, "evaluation", score), marker="o", color="#3f51b5", label="held out")
        axis.set(title=title, xlabel="step")
        axis.grid(alpha=0.3)
        axis.spines[["top", "right"]].set_visible(False)
        axis.legend(frameon=False)
    figure.savefig(picture)


if __name__ == "__main__":
    draw(Path(sys.argv[1]), Path(sys.argv[2]))
