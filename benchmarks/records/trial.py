"""One run of the benchmark: pretrain, score on the rows of the judge, fine-tune, and write one file with the result."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.records.judge import judge_scores
from configs.common.errors import EXIT_UNFINISHED
from configs.common.files import make_folder, write_json
from configs.load import read, read_stated
from data_prep.shards import Corpus
from pretrain.evaluation.tasks.comparison import Progress, compare
from pretrain.evaluation.tasks.partial_results import PartialResults
from pretrain.export.checkpoints import Choice
from pretrain.export.folder import Order, export
from pretrain.released.beginning import RecipeRequest
from pretrain.run.signals import StopOnSignal
from pretrain.step.world import join, leave
from pretrain.train import train
from pretrain.watch.history import read_history


def trial(
    recipe: str,
    overrides: Annotated[list[str] | None, typer.Argument()] = None,
    *,
    corpus: Annotated[Path, typer.Option(help="The rows that are trained on.")],
    held_out: Annotated[Path, typer.Option(help="The corpus whose held-out rows the judge corrupts.")],
    run: Annotated[Path, typer.Option(help="The run; an unfinished one is resumed.")],
    judge: Annotated[str, typer.Option(help="The model whose generator corrupts the rows.")],
    rows: Annotated[Path, typer.Option(help="The corrupted rows.")],
    num_rows: Annotated[int, typer.Option(help="How many rows there are.")],
    json: Annotated[Path, typer.Option(help="The result.")],
    task: Annotated[list[Path] | None, typer.Option(help="A labelled task; as often as needed.")] = None,
    task_key: Annotated[list[str] | None, typer.Option(help="Of fine-tuning: key=value.")] = None,
    weights: Annotated[str, typer.Option(help="raw, or average for the moving average.")] = "raw",
    average: Annotated[int, typer.Option(help="Judge the mean of so many checkpoints.")] = 1,
) -> None:
    """Measure one run. `measure` starts this command."""
    began = time.perf_counter()
    with StopOnSignal() as stop:
        if not _pretrain(recipe, overrides or [], corpus, run, stop.asked):
            sys.exit(EXIT_UNFINISHED)
        model = _judged(run, Choice(weights=weights, average=average))
        scores = judge_scores(model, judge, Corpus(held_out), num_rows, rows)
        tasks = _fine_tune(model, task or [], task_key or [], stop.asked)
    make_folder(json.parent)
    result = _cost(run) | scores | {"tasks": tasks, "wall_seconds": time.perf_counter() - began}
    write_json(json, result)


def _pretrain(recipe: str, overrides: Sequence[str], corpus: Path, run: Path, asked: Callable[[], bool]) -> bool:
    opened, world = Corpus(corpus), join()
    try:
        request = RecipeRequest(recipe, read(recipe, overrides), read_stated(recipe, overrides))
        return train(request.complete(opened, run, world).recipe, opened, run, world, "auto", asked)
    finally:
        leave()


def _judged(run: Path, choice: Choice) -> str:
    """Return the run, or an export of it if the weights to be judged are a mean."""
    if choice == Choice():
        return str(run)
    folder = run / "export"
    if not folder.exists():
        export(str(run), folder, Order(choice=choice))
    return str(folder)


def _fine_tune(
    model: str, tasks: Sequence[Path], keys: Sequence[str], asked: Callable[[], bool]
) -> dict[str, dict[str, float]]:
    """Return the metrics of each task, first the metric that it is judged by."""
    if not tasks:
        return {}
    results = compare([model], tasks, 1, keys, PartialResults(None), Progress(stop_requested=asked))
    by_task: dict[str, dict[str, float]] = {}
    for result in results:
        (metrics,) = next(iter(result.seeds.values()))
        by_task[result.task.name] = {name: metrics[name] for name in sorted(metrics, key=lambda n: n != result.main)}
    return by_task


def _cost(run: Path) -> dict[str, Any]:
    """Return what the run has computed, by its own count. Seconds are those of training alone."""
    history = read_history(run)
    return {
        "fingerprint": history.recipe.fingerprint(),
        "steps": history.last_step,
        "tokens": round(1e6 * history.total("tokens")),
        "flops": 1e15 * history.total("flops"),
        "seconds": 3600 * history.total("hours"),
    }
