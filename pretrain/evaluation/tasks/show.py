"""Results of fine-tunings as a table, as JSON, and as a picture with a dot for each seed and a line for the mean."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader
from rich.console import Console
from rich.table import Table

from configs.common.errors import UserError
from configs.common.files import make_folder, write_text
from pretrain.evaluation.tasks.comparison import Progress, compare
from pretrain.evaluation.tasks.description import describe
from pretrain.evaluation.tasks.partial_results import PartialResults
from pretrain.evaluation.tasks.results import Spread, TaskResult

_COLOURS = ("#2a6f7f", "#c8702a")
# The sizes in the picture, in its own units.
_LEFT, _PLOT, _RIGHT, _ROW = 260, 460, 40, 52


def print_tasks(
    models: Sequence[str],
    folders: Sequence[Path],
    num_seeds: int,
    overrides: Sequence[str] = (),
    json_file: Path | None = None,
    picture: Path | None = None,
    stop_requested: Callable[[], bool] = lambda: False,
) -> None:
    """Fine-tune, print a table, and write the files that are named. Raises UserError before anything is trained.

    With `json_file` finished seeds are saved, and the same command resumes after them. Raises Unfinished when a stop
    is requested.
    """
    if picture and picture.suffix != ".svg":
        raise UserError(f"--picture {picture}: the picture is an SVG; name a file that ends in .svg")
    if picture:
        make_folder(picture.absolute().parent)
    console = Console()

    def report(line: str) -> None:
        console.print(line, highlight=False, markup=False, soft_wrap=True)

    def report_task(result: TaskResult) -> None:
        for line in describe(result.task, result.main):
            report(line)

    progress = Progress(report, report_task, stop_requested)
    results = compare(models, folders, num_seeds, overrides, PartialResults(json_file), progress)
    console.print(_table(results))
    if picture:
        write_text(picture, render_picture(results))


def _table(results: Sequence[TaskResult]) -> Table:
    table = Table(
        title="mean and standard deviation over seeds, in percent; * marks the metric that a task is judged by",
        title_justify="left",
        box=None,
        padding=(0, 2, 0, 0),
    )
    names = list(results[0].models)
    for title in ("task", "held out", "metric"):
        table.add_column(title)
    for title in (*names, "difference, paired")[: len(names) + (len(names) > 1)]:
        table.add_column(title, justify="right", overflow="fold")
    for result in results:
        place = [result.task.name, f"{len(result.task.held_out):,} of {result.task.split}"]
        for metric in next(iter(result.models.values())):
            table.add_row(*place, *_cells(result, metric))
            place = ["", ""]
    return table


def _cells(result: TaskResult, metric: str) -> list[str]:
    """The name of a metric, its value for each model, and the difference of two models."""
    paired = result.difference(metric)
    name = metric.replace("_", " ") + (" *" if metric == result.main else "")
    values = [_cell(spreads[metric]) for spreads in result.models.values()]
    return [name, *values, *([_cell(paired, signed=True)] if paired else [])]


def _cell(spread: Spread, *, signed: bool = False) -> str:
    mean = f"{100 * spread.mean:{'+' if signed else ''}.2f}"
    return mean if spread.deviation is None else f"{mean} ± {100 * spread.deviation:.2f}"


def render_picture(results: Sequence[TaskResult]) -> str:
    """An SVG of the metric that each task is judged by. It refers to no other file."""
    every = [value for result in results for spreads in result.models.values() for value in spreads[result.main].values]
    axis = _axis(min(every), max(every))
    low, high = axis[0], axis[-1]

    def x(value: float) -> float:
        return round(_LEFT + _PLOT * (value - low) / (high - low), 1)

    names = list(results[0].models)
    top = 24 + 20 * len(names)
    bottom = top + _ROW * len(results)
    rows = [_row(result, top + _ROW * number + _ROW // 2, x) for number, result in enumerate(results)]
    pages = Environment(loader=PackageLoader("pretrain"), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return pages.get_template("comparison.svg").render(
        width=_LEFT + _PLOT + _RIGHT,
        height=bottom + 30,
        left=_LEFT,
        top=top,
        bottom=bottom,
        models=[{"name": name, "colour": colour} for name, colour in zip(names, _COLOURS, strict=False)],
        rows=rows,
        ticks=[{"x": x(tick), "label": f"{100 * tick:.6g}"} for tick in axis],
    )


def _axis(low: float, high: float) -> list[float]:
    """Round numbers, the first not above `low` and the last not below `high`."""
    width = max(high - low, 0.01)
    power = 10 ** math.floor(math.log10(width / 3))
    step = next(power * factor for factor in (1, 2, 5, 10) if width <= 6 * power * factor)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [step * number for number in range(first, max(last, first + 1) + 1)]


def _row(result: TaskResult, y: int, x: Any) -> dict[str, Any]:
    offsets = (0,) if len(result.models) == 1 else (-9, 9)
    spreads = [spreads[result.main] for spreads in result.models.values()]
    marks = [
        {"y": y + offset, "colour": colour, "dots": [x(v) for v in spread.values], "mean": x(spread.mean)}
        for spread, offset, colour in zip(spreads, offsets, _COLOURS, strict=False)
    ]
    return {"title": f"{result.task.name}, {result.main.replace('_', ' ')}", "y": y, "marks": marks}
