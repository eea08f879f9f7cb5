"""`electra sweep --dry-run`: the runs that are left, with their FLOPs and an estimate of their time."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from configs.common.pages.rendering import duration
from configs.recipe import Recipe
from launch.sweep.definition import Sweep
from launch.sweep.progress import share_left, state

Speed = Callable[[Recipe], float]


def estimate_lines(sweep: Sweep, speed: Speed | None) -> Iterator[str]:
    """Yield a line for each run, and their sum. `speed` is the model FLOPs per second, if anything is known of it."""
    from launch.adapt.calibration import flops_of_training

    rates = {name: speed(sweep.recipe(name)) for name in sweep.keys} if speed else {}
    total, seconds, num_left = 0.0, 0.0, 0
    for trial in sweep.trials:
        share = share_left(trial)
        flops, rate = share * flops_of_training(trial.recipe), rates.get(trial.name)
        total, seconds, num_left = total + flops, seconds + (flops / rate if rate else 0), num_left + (share > 0)
        time = f", about {duration(flops / rate)}" if rate else ""
        yield f"{trial}: {state(trial)}" + (f"; {_pflop(flops)}{time}" if share else "")
    time = f", about {duration(seconds)} one after the other" if rates else ""
    yield f"{num_left} of {len(sweep.trials)} runs are left: {_pflop(total)} in full rows{time}"


def speed_here(recipe: Recipe) -> float:
    """Measure the model FLOPs per second of one process on this machine."""
    from launch.adapt.calibration import flops_per_second

    return flops_per_second(recipe)


def speed_on(gpu: str, gpus: int) -> Speed:
    """Return the model FLOPs per second of so many GPUs by `electra plan`, at the slower end of its range."""

    def speed(recipe: Recipe) -> float:
        from launch.adapt.calibration import flops_of_rows
        from launch.plan import plan

        _, most = plan(recipe, gpus, gpu).hours
        return flops_of_rows(recipe, recipe.num_rows * recipe.batch.views) / (3600 * most)

    return speed


def _pflop(flops: float) -> str:
    return f"{flops / 1e15:,.3g} PFLOP"
