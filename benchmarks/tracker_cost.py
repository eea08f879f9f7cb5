"""Measure which share of a whole run a tracker costs.

    python -m benchmarks.tracker_cost tiny --corpus corpus --tracker tensorboard

The same run is made with the tracker and without one, in turns. The times are those of the processor, so they count the
work of the tracker's thread too, and other programs on the machine hardly change them.
"""

from __future__ import annotations

import os
import resource
import statistics
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from benchmarks import isolation
from benchmarks.machine import packages_and_date, processor
from configs.common.cli import CorpusFolder, Overrides, RecipeName


def processor_seconds(command: list[object]) -> float:
    """Run the command on one core and return the seconds for which its process and those it started computed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    isolation.run(command, threads=1, cores=1)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main(
    recipe: RecipeName,
    overrides: Overrides = None,
    *,
    corpus: CorpusFolder,
    tracker: Annotated[str, typer.Option(help="As in run.trackers; its environment variables hold.")] = "tensorboard",
    rounds: int = 3,
) -> None:
    os.environ.setdefault("WANDB_MODE", "offline")
    ways: dict[str, list[float]] = {"[]": [], f'["{tracker}"]': []}
    with tempfile.TemporaryDirectory() as scratch:
        for number in range(rounds):
            for way, seconds in ways.items():
                folder = Path(scratch, f"{number}-{list(ways).index(way)}")
                keys = [*(overrides or ()), f"run.trackers={way}"]
                seconds.append(processor_seconds(isolation.training(recipe, corpus, folder, 1, keys)))
    shares = [shown / alone - 1 for alone, shown in zip(*ways.values(), strict=True)]
    print(f"{recipe}; {processor()}; {packages_and_date('torch', 'tensorboard')}\n")
    print("| run.trackers | processor seconds, median | lowest to highest |\n|---|---:|---:|")
    for way, seconds in ways.items():
        print(f"| {way} | {statistics.median(seconds):.1f} | {min(seconds):.1f} to {max(seconds):.1f} |")
    print(f"| cost of {tracker} | {statistics.median(shares):.2%} | {min(shares):.2%} to {max(shares):.2%} |")


if __name__ == "__main__":
    typer.run(main)
