"""Measure whether the memory of `electra pretrain` grows with the steps, by sampling each process every 20 steps.

    python -m benchmarks.train_memory small --corpus CORPUS [--steps 400] [--processes 2] [table.key=value ...]

The measure is anonymous memory (RssAnon of proc_pid_status(5)). Other memory says little: the pages of the corpus,
which is mapped from its files, are resident as long as the system has no better use for them.

Memory that is kept from step to step grows between any two samples. Memory that the allocator could not fit into the
memory that it already has (pretrain/step/allocator.py keeps it) grows in rare jumps as large as a tensor, and the jumps
become ever rarer; between them, samples do not differ. The growth is therefore the median over the pairs of
neighbouring samples.
"""

from __future__ import annotations

import itertools
import statistics
import subprocess
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Annotated

import psutil
import typer

from configs.common.cli import CorpusFolder, Overrides, RecipeName
from launch.backends import local
from launch.jobs import Stage, pipeline
from launch.machines import LOCAL
from pretrain.run.logs import read_metrics

EVERY = 20  # steps


def measure(
    recipe: str, corpus: Path, run: Path, steps: int, processes: int, overrides: list[str]
) -> list[list[float]]:
    """Return bytes as [process][20 steps after the first 20, the next 20, ...], each the median of several samples."""
    operational = [f"run.log_every={EVERY}", f"run.evaluate_every={steps}", f"run.save_every={steps}"]
    numbers = [*overrides, *operational, f"schedule.steps={steps}"]
    [training] = pipeline([Stage.pretrain], [recipe, *numbers], corpus, run, nodes=1, processes=processes)
    looks: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    job = psutil.Popen(local.command(training, LOCAL), stdout=subprocess.DEVNULL)
    while job.poll() is None:
        step = max((line["step"] for line in read_metrics(run)), default=0)
        for process in job.children() if 0 < step < steps else ():
            looks[process.pid][step].append(_anonymous(process.pid))
        time.sleep(0.02)
    assert job.returncode == 0, "training failed"
    assert len(looks) == processes
    assert all(list(look) == list(range(EVERY, steps, EVERY)) for look in looks.values()), "a look came too late"
    return [[statistics.median(bytes_) for bytes_ in look.values()] for look in looks.values()]


def growth(memory: list[float]) -> float:
    """Return the growth in bytes per step, for one process of the result of `measure`."""
    return statistics.median(after - before for before, after in itertools.pairwise(memory)) / EVERY


def _anonymous(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("RssAnon:")[2].split()[0]) * 1024


def main(
    recipe: RecipeName,
    overrides: Overrides = None,
    *,
    corpus: CorpusFolder,
    steps: Annotated[int, typer.Option(help="A multiple of 20.")] = 400,
    processes: Annotated[int, typer.Option(help="Of torchrun.")] = 2,
) -> None:
    """Print the memory of each process, and how it grew."""
    with tempfile.TemporaryDirectory() as folder:
        found = measure(recipe, corpus, Path(folder) / "run", steps, processes, list(overrides or ()))
    for number, memory in enumerate(found):
        begin, *_, end = memory
        print(
            f"process {number}: {begin / 1e6:.1f} MB after {EVERY} steps, {end / 1e6:.1f} MB before step {steps} "
            f"({end / begin - 1:+.2%}); {growth(memory) / 1e3:+.1f} KB a step"
        )
        print("  every look, MB:", *(f"{look / 1e6:.1f}" for look in memory))


if __name__ == "__main__":
    typer.run(main)
