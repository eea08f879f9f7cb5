"""Does the memory of `electra pretrain` grow with the steps? That of each process after 20 steps, and at the end.

    python -m benchmarks.train_memory small --corpus CORPUS [--steps 200] [--processes 2] [table.key=value ...]

What is measured is anonymous memory (RssAnon of proc_pid_status(5)): the pages of the corpus, which is mapped from its
files, are resident as long as the system has no better use for them.
"""

from __future__ import annotations

import statistics
import subprocess
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Annotated

import psutil
import typer

from configs.cli import CorpusFolder, Overrides, RecipeName
from launch.backends import local
from launch.jobs import Stage, pipeline
from launch.machines import LOCAL
from pretrain.logs import read_metrics

FIRST = 20


def measure(
    recipe: str, corpus: Path, run: Path, steps: int, processes: int, overrides: list[str]
) -> list[tuple[float, float]]:
    """Bytes of each process, [(in the 20 steps after the first 20, in the last 20)], medians over looks at it."""
    operational = [f"run.log_every={FIRST}", f"run.evaluate_every={steps}", f"run.save_every={steps}"]
    numbers = [*overrides, *operational, f"schedule.steps={steps}"]
    [training] = pipeline([Stage.pretrain], [recipe, *numbers], corpus, run, nodes=1, processes=processes)
    looks: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    job = psutil.Popen(local.command(training, LOCAL), stdout=subprocess.DEVNULL)
    while job.poll() is None:
        step = max((line["step"] for line in read_metrics(run)), default=0)
        for process in job.children() if step < steps else ():
            looks[step][process.pid].append(_anonymous(process.pid))
        time.sleep(0.02)
    assert job.returncode == 0, "training failed"
    begin, end = looks[FIRST], looks[steps - FIRST]
    assert len(begin) == len(end) == processes, "a look came too late; take more steps, or longer ones"
    return [(statistics.median(begin[pid]), statistics.median(end[pid])) for pid in begin]


def _anonymous(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("RssAnon:")[2].split()[0]) * 1024


def main(
    recipe: RecipeName,
    overrides: Overrides = None,
    *,
    corpus: CorpusFolder,
    steps: Annotated[int, typer.Option(help="A multiple of 20.")] = 200,
    processes: Annotated[int, typer.Option(help="Of torchrun.")] = 2,
) -> None:
    """Print the memory of each process, and how it grew."""
    with tempfile.TemporaryDirectory() as folder:
        found = measure(recipe, corpus, Path(folder) / "run", steps, processes, list(overrides or ()))
    for number, (begin, end) in enumerate(found):
        print(
            f"process {number}: {begin / 1e6:.1f} MB after {FIRST} steps, {end / 1e6:.1f} MB before step {steps} "
            f"({end / begin - 1:+.2%})"
        )


if __name__ == "__main__":
    typer.run(main)
