"""The figures of the page of an adaptation."""

from __future__ import annotations

from collections.abc import Sequence

from configs.common.pages.figures import Figure, Interval, intervals, pairs
from launch.adapt.comparison import CorpusScores, Score, TaskScores


def intervals_of_scores(scores: Sequence[CorpusScores]) -> list[Figure]:
    """A panel for the AUC in the same test, and one for each score of the generators."""
    lines = [("Discriminator: AUC, same replacements", [corpus.auc for corpus in scores])]
    for number in range(len(scores[0].prediction)):
        of_score = [corpus.prediction[number] for corpus in scores]
        lines.append((f"Generator: {of_score[0].title.partition(' (')[0]}", of_score))
    figures = []
    for title, of_score in lines:
        rows = []
        for corpus, line in zip(scores, of_score, strict=True):
            rows += _interval(f"{corpus.name}, before", line.before) + _interval(f"{corpus.name}, after", line.after)
        text = "; ".join(f"{row.name} {row.value:.4g} ({row.low:.4g} to {row.high:.4g})" for row in rows)
        if rows:
            figures.append(intervals(title, rows, f"{title}: {text}"))
    return figures


def _interval(name: str, score: Score) -> list[Interval]:
    if score.value is None or score.low is None or score.high is None:
        return []
    return [Interval(name, score.value, score.low, score.high)]


def pairs_of_tasks(tasks: Sequence[TaskScores]) -> list[Figure]:
    """A panel for each task, with a line for each seed."""
    figures = []
    for task in tasks:
        values = [(100 * before, 100 * after) for before, after in zip(task.before, task.after, strict=True)]
        text = "; ".join(f"{before:.1f} to {after:.1f}" for before, after in values)
        title = f"{task.name}: {task.metric}, %"
        figures.append(pairs(title, ("before", "after"), values, f"{title}, before and after, by seed: {text}"))
    return figures
