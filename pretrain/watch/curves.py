"""Figures of the metrics of one run, or of several runs over each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from configs.common.pages.figures import Figure, Series, curves
from pretrain.run.logs import EvaluationKind
from pretrain.watch.history import Axis, History

AXES: dict[Axis, str] = {"step": "step", "tokens": "million tokens", "flops": "PFLOP", "hours": "hours of training"}
# score in the metrics -> title of its panel. A panel without values is left out.
SCORES = {
    "mlm_loss": "Generator: loss",
    "masked_accuracy": "Generator: masked accuracy",
    "rtd_loss": "Discriminator: loss",
    "auc": "Discriminator: AUC",
    "mts_loss": "Multi-token selection: loss",
    "csp_loss": "Contrastive sequence prediction: loss",
}
SPEED = {
    "tokens_per_second": "Tokens per second",
    "mfu": "Utilisation: share of the device's rate",
    "data_wait_share": "Share of the time that waits for data",
    "gradient_norm": "Gradient norm",
}
_HELD_OUT: dict[EvaluationKind, str] = {
    "evaluation": "held out",
    "average": "average of the weights",
    "general": "general text",
}


def score_figures(runs: Sequence[History], axis: Axis = "step") -> list[Figure]:
    """Draw a panel for each score on held-out rows. For a single run, the values in training are in the background."""
    return _panels(runs, axis, SCORES, [_held_out, *([_training] if len(runs) == 1 else [])])


def speed_figures(runs: Sequence[History], axis: Axis = "step") -> list[Figure]:
    return _panels(runs, axis, SPEED, [_speed])


def _panels(runs: Sequence[History], axis: Axis, titles: dict[str, str], kinds: Sequence) -> list[Figure]:
    figures = []
    for score, title in titles.items():
        series = [line for kind in kinds for run in runs for line in kind(run, score, axis, len(runs) > 1)]
        if series:
            ends = "; ".join(f"{line.name} from {line.y[0]:.4g} to {line.y[-1]:.4g}" for line in series)
            figures.append(curves(title, AXES[axis], series, f"{title} by {AXES[axis]}: {ends}"))
    return figures


def _held_out(run: History, score: str, axis: Axis, is_named: bool) -> Iterator[Series]:
    for kind, name in _HELD_OUT.items():
        label = f"{run.name}, {name}" if is_named else name
        yield from _series(run, run.evaluations(kind), score, axis, label)


def _training(run: History, score: str, axis: Axis, is_named: bool) -> Iterator[Series]:
    yield from _series(run, run.training, score, axis, "training", is_faint=True)


def _speed(run: History, score: str, axis: Axis, is_named: bool) -> Iterator[Series]:
    yield from _series(run, run.training, score, axis, run.name if is_named else "training")


def _series(
    run: History, lines: Sequence[dict], score: str, axis: Axis, name: str, *, is_faint: bool = False
) -> Iterator[Series]:
    points = [(line["step"], line[score]) for line in lines if line.get(score) is not None]
    if points:
        steps, values = zip(*points, strict=True)
        yield Series(name, run.position(steps, axis), values, is_faint)
