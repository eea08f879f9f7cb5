"""Results of fine-tunings as a table, as JSON, and as a picture with a point for each seed and a stroke at the mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from configs.common import json_lines
from configs.common.errors import UserError
from configs.common.files import make_folder, write_text
from configs.common.pages.figures import Dots, dots, require_matplotlib
from pretrain.evaluation.tasks.comparison import Progress, compare
from pretrain.evaluation.tasks.description import describe
from pretrain.evaluation.tasks.partial_results import PartialResults
from pretrain.evaluation.tasks.results import Spread, TaskResult


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
        require_matplotlib("it draws the picture")
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
    for result in results:
        json_lines.write("task", **result.to_dict())
    if picture:
        write_text(picture, draw_picture(results))


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


def draw_picture(results: Sequence[TaskResult]) -> str:
    """Draw the metric that each task is judged by as an SVG, with a point for each seed. It refers to no other file."""
    rows = [Dots(f"{result.task.name}, {result.main.replace('_', ' ')}", _percentages(result)) for result in results]
    text = "; ".join(
        f"{row.name}: " + ", ".join(f"{model} {sum(values) / len(values):.1f}" for model, values in row.groups.items())
        for row in rows
    )
    return dots("percent, a point for each seed and a stroke at the mean", rows, text).svg


def _percentages(result: TaskResult) -> dict[str, list[float]]:
    return {name: [100 * value for value in spreads[result.main].values] for name, spreads in result.models.items()}
