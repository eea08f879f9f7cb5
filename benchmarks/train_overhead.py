"""Measure the part of a run that is not arithmetic.

    python -m benchmarks.train_overhead small --corpus corpus batch.rows=32 batch.micro_rows=16

This part is the start, the wait for rows, evaluation and logging, and the cost of a second process. The start is
measured in seconds from the command to the first logged step. Two processes on two cores are compared with one process
on one core, in turns, on the same global batch.
"""

from __future__ import annotations

import contextlib
import io
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import typer

from benchmarks import isolation
from benchmarks.machine import packages_and_date, processor
from configs.common.cli import CorpusFolder, Overrides, RecipeName
from configs.load import load
from configs.recipe import Recipe
from pretrain.run.display import Display
from pretrain.run.live import Panel
from pretrain.run.logs import read_metrics

SETTINGS = ("schedule.steps={steps}", "schedule.warmup_steps=0", "run.log_every={every}", "run.save_every=1_000_000")
NO_EVALUATION = ("run.evaluate_rows=0",)


def seconds_to_first_step(recipe: str, corpus: Path, folder: Path, overrides: list[str]) -> float:
    command = [str(part) for part in isolation.training(recipe, corpus, folder, 1, overrides)]
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not any(line["kind"] == "training" for line in read_metrics(folder)):
        if process.poll() is not None:
            sys.exit(f"it ended with {process.returncode}: {' '.join(command)}")
        time.sleep(0.01)
    seconds = time.perf_counter() - began
    process.kill()
    process.wait()
    return seconds


def median_of(folder: Path, name: str) -> float:
    """Return the median over the run, without the first lines of the log."""
    lines = [line[name] for line in read_metrics(folder) if line["kind"] == "training"]
    return statistics.median(lines[1:])


def evaluation_share(recipe: Recipe, corpus: Path, step_seconds: float) -> tuple[float, float]:
    """Return the shares of training time that evaluating and writing the log take, at the recipe's own intervals."""
    import torch

    from data_prep.shards import Corpus
    from pretrain.model.pair import ElectraPair
    from pretrain.run.logs import Log
    from pretrain.step.world import join, leave
    from pretrain.watch.scores import evaluate

    world, opened = join(), Corpus(corpus)
    pair = ElectraPair(recipe)
    began = time.perf_counter()
    evaluation = evaluate(pair, opened, recipe, world, torch.float32, recipe.run.evaluate_rows)
    evaluating = time.perf_counter() - began
    assert evaluation
    silent = contextlib.redirect_stdout(io.StringIO())
    with (
        silent,
        tempfile.TemporaryDirectory() as folder,
        Log(Path(folder), 0, Display(Panel("run", 100, lambda steps: 8 * steps, 0)), active=True) as log,
    ):
        began = time.perf_counter()
        for step in range(100):
            log.evaluation(step, evaluation.scores)
        logging = (time.perf_counter() - began) / 100
    leave()
    return (
        evaluating / (recipe.run.evaluate_every * step_seconds),
        logging / (recipe.run.log_every * step_seconds),
    )


def main(
    recipe: RecipeName,
    overrides: Overrides = None,
    *,
    corpus: CorpusFolder,
    rounds: int = 5,
    steps: int = 30,
) -> None:
    mine = list(overrides or ())
    ours = load(recipe, mine)
    with tempfile.TemporaryDirectory() as scratch:
        folders = (Path(scratch) / str(number) for number in range(100))
        once = [text.format(steps=10_000, every=1) for text in SETTINGS]
        starts = [seconds_to_first_step(recipe, corpus, next(folders), [*mine, *once]) for _ in range(rounds)]
        timed = [*mine, *(text.format(steps=steps, every=max(1, steps // 6)) for text in SETTINGS), *NO_EVALUATION]
        rates: dict[int, list[float]] = {1: [], 2: []}
        waits: list[float] = []
        rows: list[float] = []
        for _ in range(rounds):
            for processes, measured in rates.items():
                folder = next(folders)
                isolation.run(isolation.training(recipe, corpus, folder, processes, timed), threads=1, cores=processes)
                measured.append(median_of(folder, "tokens_per_second"))
                waits.append(median_of(folder, "data_wait_share"))
                rows.append(median_of(folder, "rows_per_second"))
        one, two = (statistics.median(measured) for measured in rates.values())
        evaluating, logging = evaluation_share(ours, corpus, ours.batch.rows / statistics.median(rows))
    print(f"{ours.name}, {ours.batch.rows} rows; {processor()}; {packages_and_date('torch', 'deepspeed')}\n")
    print("| | median | lowest to highest |\n|---|---:|---:|")
    print(f"| seconds to the first step | {statistics.median(starts):.1f} | {min(starts):.1f} to {max(starts):.1f} |")
    print(f"| share of a step that waits for rows | {statistics.median(waits):.2%} | to {max(waits):.2%} |")
    print(f"| evaluation at the recipe's interval, of the time | {evaluating:.2%} | |")
    print(f"| logging at the recipe's interval, of the time | {logging:.3%} | |")
    print(f"| tokens/s, one process on one core | {one:,.0f} | {min(rates[1]):,.0f} to {max(rates[1]):,.0f} |")
    print(f"| tokens/s, two processes on two cores | {two:,.0f} | {min(rates[2]):,.0f} to {max(rates[2]):,.0f} |")
    print(f"| two processes beside one | {two / one:.2f}x | |")


if __name__ == "__main__":
    typer.run(main)
