"""The page of a sweep, sweep.html: what was compared, the tables, the Pareto lines, and the commands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from configs.common.pages.figures import Figure, Interval, Point, intervals, points
from configs.common.pages.rendering import render
from launch.backends import local
from launch.machines import LOCAL
from launch.sweep.comparison import RecipeResult
from launch.sweep.definition import Sweep
from launch.sweep.execution import job_of
from launch.sweep.progress import state
from launch.sweep.table import headings, notes, rows, title


def page(sweep: Sweep, results: Sequence[RecipeResult]) -> str:
    return render("launch", "sweep.html", facts(sweep, results))


def facts(sweep: Sweep, results: Sequence[RecipeResult]) -> dict[str, Any]:
    """Collect everything that the page shows."""
    return {
        "title": f"Sweep {sweep.file.stem}",
        "sweep": sweep,
        "notes": list(notes(sweep, results)),
        "headings": headings(sweep),
        "scores": [
            {
                "title": title(score),
                "rows": rows(sweep, results, score),
                "figures": [*_pareto_line(score, results), *_differences(sweep, score, results)],
            }
            for score in sweep.scores
        ],
        "runs": [
            {"trial": trial, "state": state(trial), "command": local.render(job_of(trial, LOCAL), LOCAL)}
            for trial in sweep.trials
        ],
    }


def _pareto_line(score: str, results: Sequence[RecipeResult]) -> list[Figure]:
    drawn = [
        Point(result.name, result.pflop, mean, result.scores[score].is_on_pareto_line)
        for result in results
        if result.pflop is not None and (mean := result.scores[score].mean) is not None
    ]
    if not drawn:
        return []
    described = "; ".join(f"{point.name} {point.y:.4g} at {point.x:.3g} PFLOP" for point in drawn)
    best = ", ".join(point.name for point in drawn if point.is_joined)
    heading = f"Pareto line: {title(score)}"
    return [points(heading, "PFLOP of the model", drawn, f"{heading}, by PFLOP: {described}. On the line: {best}.")]


def _differences(sweep: Sweep, score: str, results: Sequence[RecipeResult]) -> list[Figure]:
    drawn = []
    for result in results:
        difference = result.scores[score].difference
        if difference and difference.low is not None and difference.high is not None:
            drawn.append(Interval(result.name, difference.mean, difference.low, difference.high))
    if not drawn:
        return []
    described = "; ".join(f"{row.name} {row.value:+.4g} ({row.low:+.4g} to {row.high:+.4g})" for row in drawn)
    heading = f"{title(score).capitalize() if score != 'auc' else 'AUC'}, minus {sweep.baseline}"
    return [intervals(heading, drawn, f"{heading}: {described}")]
