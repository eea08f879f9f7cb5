"""The budget of the runs that are left: runs, tokens, FLOPs and hours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.records.runs import Run
from configs.common.pages.rendering import duration
from launch.adapt.calibration import flops_per_second


def plan_lines(runs: Sequence[Run], jobs: int) -> Iterator[str]:
    """Yield a line for each entry and length, and their sum with an estimate of the time."""
    left = [run for run in runs if not run.result()]
    by_length: dict[tuple[str, float], list[Run]] = {}
    for run in runs:
        by_length.setdefault((run.entry.name, run.length), []).append(run)
    for (name, length), group in by_length.items():
        num_left = sum(run in left for run in group)
        yield f"{name} at {length:g}: {num_left} of {len(group)} runs are left; a run is {_size(group[:1])}"
    rate, source = _rate(runs)
    seconds = sum(run.flops for run in left) / rate / jobs
    yield f"{len(left)} of {len(runs)} runs are left: {_size(left)}, about {duration(seconds)}, {jobs} at a time"
    yield f"an estimate: {source}"


def _size(runs: Sequence[Run]) -> str:
    recipes = [run.recipe for run in runs]
    tokens = sum(recipe.num_rows * recipe.data.row_length for recipe in recipes)
    return f"{tokens / 1e6:,.1f} million tokens, {sum(run.flops for run in runs) / 1e12:,.0f} TFLOP"


def _rate(runs: Sequence[Run]) -> tuple[float, str]:
    """Return FLOPs per second of a run on its thread, and where the number comes from."""
    results = [(run.flops, result["wall_seconds"]) for run in runs if (result := run.result())]
    if results:
        flops, seconds = (sum(numbers) for numbers in zip(*results, strict=True))
        return flops / seconds, f"from {len(results)} finished runs, with their fine-tuning"
    return flops_per_second(runs[0].recipe), "measured on this machine at this moment, without fine-tuning"
