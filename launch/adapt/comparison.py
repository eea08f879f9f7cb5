"""Scores and tasks before and after adaptation, compared: numbers, and a sentence about each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from configs.common.files import read_json
from configs.common.pages.rendering import figure
from launch.adapt.minds import Row
from launch.adapt.order import Order
from launch.paired import paired_difference

_TITLES = {
    "accuracy": "accuracy",
    "precision": "precision",
    "recall": "recall",
    "auc": "AUC",
    "brier": "Brier score (lower is better)",
    "masked_accuracy": "masked accuracy",
    "pseudo_perplexity": "pseudo-perplexity (lower is better)",
}
_DETECTION = ("auc", "accuracy", "precision", "recall", "brier")
_PREDICTION = ("masked_accuracy", "pseudo_perplexity")


@dataclass(frozen=True)
class Score:
    value: float | None
    low: float | None
    high: float | None

    def __str__(self) -> str:
        if self.value is None:
            return "–"
        return f"{figure(self.value)} ({figure(self.low)} to {figure(self.high)})"


NO_SCORE = Score(None, None, None)


@dataclass(frozen=True)
class Line:
    """A score of one text before and after adaptation."""

    title: str
    before: Score
    after: Score


@dataclass(frozen=True)
class CorpusScores:
    """The scores of the held-out rows of one text."""

    name: str  # "your text" or "general text"
    rows: int
    detection: list[Line]  # with the same replacements for both models
    prediction: list[Line]  # each by its own generator
    own_auc: Score | None  # of the adapted discriminator with the replacements of the adapted generator
    auc_difference: Score

    @property
    def auc(self) -> Line:
        return self.detection[0]

    @property
    def verdict(self) -> str:
        """A sentence on the discriminator; paired over rows, so that small differences can be told from chance."""
        change = self.auc_difference
        if change.value is None or change.low is None or change.high is None:
            if self.auc.before.value is None and self.auc.after.value is not None:
                return (
                    f"On {self.name}, the adapted model detects replaced tokens with an AUC of {self.auc.after}. The "
                    "model before has no head for this, so there is nothing to compare."
                )
            return f"On {self.name}, the discriminators cannot be compared, because one of them has no score."
        interval = f"{figure(change.low, signed=True)} to {figure(change.high, signed=True)}"
        return (
            f"On {self.name}, the discriminator {_judgement(change.low, change.high)}: its AUC changed by "
            f"{figure(change.value, signed=True)} ({interval}) to {self.auc.after}."
        )

    @property
    def generator_verdict(self) -> str:
        """A sentence on the generator, or an empty text if the model had none. Its intervals are not paired."""
        before, after = self.prediction[-1].before, self.prediction[-1].after
        if before.low is None or before.high is None or after.low is None or after.high is None:
            return ""
        judgement = _judgement(before.low - after.high, before.high - after.low)
        return f"On {self.name}, the generator {judgement}: pseudo-perplexity {before} before and {after} after."


@dataclass(frozen=True)
class TaskScores:
    name: str
    metric: str
    examples: str
    before: tuple[float, ...]
    after: tuple[float, ...]
    settings: dict[str, Any]

    @property
    def interval(self) -> Score:
        """The mean difference of paired seeds with its 95 % interval."""
        difference = paired_difference(self.after, self.before)
        return Score(difference.mean, difference.low, difference.high)

    @property
    def verdict(self) -> str:
        change = self.interval
        assert change.value is not None and change.low is not None and change.high is not None
        points = f"{100 * change.value:+.2f} points ({100 * change.low:+.2f} to {100 * change.high:+.2f})"
        return (
            f"On the task {self.name}, the adapted model {_judgement(change.low, change.high)}: {points} of "
            f"{self.metric}, {len(self.before)} paired seeds."
        )


def _judgement(low: float, high: float) -> str:
    """Say what an interval of a gain means."""
    if low > 0:
        return "became better"
    return "became worse" if high < 0 else "shows no difference that could not be chance"


def corpus_scores(order: Order, rows: Sequence[Row], *, tests_with_model: bool) -> list[CorpusScores]:
    """Read the scores of each text. `rows` are the tokens of both models, or none if the model detects nothing."""
    before, after = (read_json(order.scores(name))["corpora"] for name in ("before", "after"))
    own = read_json(order.scores("own"))["corpora"] if tests_with_model else after
    names = ("your text", "general text")
    return [
        CorpusScores(
            name=name,
            rows=after[folder]["rows"],
            detection=[_line(score, before[folder], after[folder]) for score in _DETECTION],
            prediction=[_line(score, before[folder] if tests_with_model else {}, own[folder]) for score in _PREDICTION],
            own_auc=_score("auc", own[folder]) if tests_with_model else None,
            auc_difference=_auc_difference([row for row in rows if row.corpus == folder]),
        )
        for name, folder in zip(names, map(str, order.corpora), strict=False)
    ]


def _line(score: str, before: dict[str, Any], after: dict[str, Any]) -> Line:
    return Line(_TITLES[score], _score(score, before), _score(score, after))


def _score(name: str, result: dict[str, Any]) -> Score:
    return Score(**result.get("scores", {}).get(name, vars(NO_SCORE)))


def _auc_difference(rows: Sequence[Row]) -> Score:
    from pretrain.evaluation.rows.scores import auc_difference

    if len(rows) < 2:
        return NO_SCORE
    tokens = [token for row in rows for token in row.tokens]
    before, after = (np.array([getattr(token, name) for token in tokens]) for name in ("before", "after"))
    replaced = np.array([token.original is not None for token in tokens])
    numbers = np.repeat(np.arange(len(rows)), [len(row.tokens) for row in rows])
    return Score(**vars(auc_difference(after, before, replaced, numbers, len(rows))))


def task_scores(order: Order) -> list[TaskScores]:
    return [_task(order, order.task_results(task)) for task in order.tasks]


def _task(order: Order, file: Path) -> TaskScores:
    (result,) = read_json(file)["tasks"]
    metric, split = result["metric"], result["split"]
    after, before = (tuple(result["models"][model][metric]["values"]) for model in (str(order.run), order.model))
    examples = f"{result['examples']['train']:,} to train, {result['examples'][split]:,} of {split} to score"
    return TaskScores(
        result["task"], metric.replace("_", " "), examples, before, after, result["settings"][str(order.run)]
    )
