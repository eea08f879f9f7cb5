"""The results of a sweep: means over seeds, differences to the baseline paired by seed, and the Pareto line."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from launch.paired import PairedDifference, paired_difference
from launch.sweep.definition import Sweep
from launch.sweep.progress import Finished, finished


def is_better_low(score: str) -> bool:
    return score.endswith("_loss")


@dataclass(frozen=True)
class RecipeScore:
    """A score of a recipe. A value that was not finite is left out, and named by its seed."""

    values: dict[int, float]  # by seed
    not_finite: tuple[int, ...]
    difference: PairedDifference | None  # to the baseline; None for the baseline, and without a common seed
    num_pairs: int
    is_on_pareto_line: bool

    @property
    def mean(self) -> float | None:
        return statistics.fmean(self.values.values()) if self.values else None

    @property
    def deviation(self) -> float | None:
        return statistics.stdev(self.values.values()) if len(self.values) > 1 else None


@dataclass(frozen=True)
class RecipeResult:
    name: str
    pflop: float | None  # mean over the finished runs
    num_finished: int
    scores: dict[str, RecipeScore]


def compare(sweep: Sweep) -> list[RecipeResult]:
    """Compare the recipes by the runs that are finished."""
    results = {name: _finished(sweep, name) for name in sweep.keys}
    pflop = {name: statistics.fmean(run.pflop for run in runs.values()) for name, runs in results.items() if runs}
    scores = {score: _scores(sweep, score, results, pflop) for score in sweep.scores}
    return [
        RecipeResult(name, pflop.get(name), len(runs), {score: scores[score][name] for score in sweep.scores})
        for name, runs in results.items()
    ]


def to_dict(sweep: Sweep, results: list[RecipeResult]) -> dict[str, Any]:
    """Return every number for a JSON file."""
    return {
        "sweep": str(sweep.file),
        "corpus": {"folder": str(sweep.corpus.folder), "manifest_sha256": sweep.corpus.manifest_sha256},
        "baseline": sweep.baseline,
        "seeds": sweep.seeds,
        "recipes": {
            result.name: {
                "keys": sweep.keys[result.name],
                "finished_runs": result.num_finished,
                "pflop": result.pflop,
                "scores": {
                    name: asdict(score) | {"mean": score.mean, "deviation": score.deviation}
                    for name, score in result.scores.items()
                },
            }
            for result in results
        },
    }


def pareto(points: Mapping[str, tuple[float, float]]) -> set[str]:
    """Return the names of the points (cost, gain) for which no other point has as much gain at as little cost.

    Of two equal points both are returned.
    """
    return {
        name
        for name, (cost, gain) in points.items()
        if not any(
            other_cost <= cost and other_gain >= gain and (other_cost, other_gain) != (cost, gain)
            for other_cost, other_gain in points.values()
        )
    }


def _finished(sweep: Sweep, name: str) -> dict[int, Finished]:
    runs = {trial.seed: finished(trial) for trial in sweep.of(name)}
    return {seed: run for seed, run in runs.items() if run}


def _scores(
    sweep: Sweep, score: str, results: Mapping[str, Mapping[int, Finished]], pflop: Mapping[str, float]
) -> dict[str, RecipeScore]:
    """Return the score of every recipe."""
    logged = {name: {seed: run.scores[score] for seed, run in runs.items()} for name, runs in results.items()}
    values = {
        name: {seed: value for seed, value in by_seed.items() if value is not None} for name, by_seed in logged.items()
    }
    sign = -1 if is_better_low(score) else 1
    points = {
        name: (pflop[name], sign * statistics.fmean(by_seed.values())) for name, by_seed in values.items() if by_seed
    }
    best, baseline = pareto(points), values[sweep.baseline]
    of_recipe = {}
    for name, by_seed in values.items():
        pairs = [(value, baseline[seed]) for seed, value in by_seed.items() if seed in baseline]
        difference = paired_difference(*zip(*pairs, strict=True)) if pairs and name != sweep.baseline else None
        not_finite = tuple(seed for seed in logged[name] if seed not in by_seed)
        of_recipe[name] = RecipeScore(by_seed, not_finite, difference, len(pairs), name in best)
    return of_recipe
