"""The names of a task's metrics, known before anything is trained, and the metric that the task is judged by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from configs.common.errors import UserError
from pretrain.evaluation.tasks.answers import score_answers
from pretrain.evaluation.tasks.metrics import (
    Metrics,
    score_choices,
    score_classes,
    score_label_sets,
    score_numbers,
    score_sets,
    score_tags,
)
from pretrain.evaluation.tasks.reading.task import Task

# The published metric of each task whose metric is not the first of its kind.
_PUBLISHED = {
    "cola": "matthews",
    "mrpc": "f1",
    "qqp": "f1",
    "chip-sts": "macro_f1",
    "chip-ctc": "macro_f1",
    "chip-cdn-2c": "f1",
}


def metric_names(task: Task) -> list[str]:
    """Find the names by scoring the correct answers, so that they cannot differ from the names after a fine-tuning."""
    return [*_score_correct(task)]


def _score_correct(task: Task) -> Metrics:
    correct: list[Any] = [example.target for example in task.held_out]
    match task.kind:
        case "classes":
            return score_classes(correct, correct, task.labels)
        case "multilabel":
            sets = [set(target.labels) for target in correct]
            return score_label_sets(sets, sets, task.labels)
        case "number":
            return score_numbers(correct, correct)
        case "tags":
            tags = [target.tags for target in correct]
            return score_tags(tags, tags)
        case "spans":
            texts = [[answer.text for answer in target.answers] for target in correct]
            return score_answers([next(iter(answers), "") for answers in texts], texts, [0.0] * len(texts))
        case "choices":
            return score_choices([0], [0])
        case "terms":
            return score_sets([], []) | {"among_candidates": 1.0}
        case "relations":
            return score_sets([], [])


def main_metric(task: str, names: Sequence[str], requested: str = "") -> str:
    """Return the metric to judge a task by: the requested metric, the published metric of a known task, or the first.

    Raises UserError when it is not among `names`.
    """
    metric = requested or _PUBLISHED.get(task.lower(), names[0])
    if metric not in names:
        # This happens for a requested metric, or for a known task whose files are of another kind than published.
        raise UserError(f"metric: {metric!r} is not measured for {task}; there are {', '.join(names)}")
    return metric
