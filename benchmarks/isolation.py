"""Run a measurement in a process of its own, which no other measurement has warmed up or filled."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent


def run(command: Sequence[object], threads: int, cores: int | None = None) -> str:
    """Run the command and return its output; end the program where the command fails.

    The command runs on the CPU, with this number of threads, and on this number of cores if one is given.
    """
    counts = dict.fromkeys(("OMP_NUM_THREADS", "RAYON_NUM_THREADS"), str(threads))
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    others = {"CUDA_VISIBLE_DEVICES": "", "TOKENIZERS_PARALLELISM": "false", "PYTHONPATH": path}
    done = subprocess.run(
        [str(part) for part in command],
        env={**os.environ, **counts, **others},
        capture_output=True,
        text=True,
        preexec_fn=(lambda: os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])) if cores else None,
    )
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout


def numbers(command: Sequence[object], threads: int) -> list[float]:
    """Run the command and return the numbers on the last line of its output."""
    return [float(number) for number in run(command, threads).splitlines()[-1].split()]


def module(name: str, *arguments: object, processes: int = 1) -> list[object]:
    """Return the command that runs a module as one process of this Python, or as several processes under torchrun."""
    if processes == 1:
        return [sys.executable, "-m", name, *arguments]
    layout = ("--standalone", f"--nproc-per-node={processes}", "-m", "--")
    return [sys.executable, "-m", "torch.distributed.run", *layout, name, *arguments]


def training(recipe: str, corpus: Path, folder: Path, processes: int, overrides: Sequence[str]) -> list[object]:
    """Return the command that runs `electra pretrain`."""
    options = ("pretrain", recipe, "--corpus", corpus, "--run", folder, *overrides)
    return module("pretrain", *options, processes=processes)


def median_seconds(step: Callable[[], object], steps: int, warmup: int) -> float:
    """Return the median seconds of this many calls, after some calls that warm up."""
    seconds = []
    for _ in range(warmup + steps):
        began = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds[warmup:])
