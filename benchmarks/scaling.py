"""Measure how the time and the memory of a step grow, compared with how its arithmetic grows.

    python -m benchmarks.scaling

Starting from a small model on the CPU, one size at a time is doubled. Each measurement is a process of its own, and the
sizes take turns. The exponent is the slope of a line through the logarithms, so 1 means proportional. Where time grows
faster than its arithmetic, something is computed unnecessarily. The vocabulary's own share is the time that it adds to
a step that is otherwise fixed. Every process has one thread and 8 rows, so the arithmetic of one process stays the same
when processes are added.
"""

from __future__ import annotations

import math
import os
import resource
import statistics
from typing import Annotated

import typer

from benchmarks import isolation
from benchmarks.machine import packages_and_date, processor
from configs.load import load
from configs.recipe import Recipe

PROCESSES = "processes"
# The overrides that double each size: {0} is the size, {1} four times the size, {2} a quarter, {3} eight times.
SIZES: dict[str, tuple[tuple[int, ...], tuple[str, ...]]] = {
    "rows": ((4, 8, 16, 32), ("batch.rows={0}", "batch.micro_rows={0}")),
    "length": ((64, 128, 256, 512), ("data.row_length={0}",)),
    "width": (
        (128, 256, 512),
        (
            "model.embedding={0}",
            "model.discriminator={{layers=4, hidden={0}, heads=4, intermediate={1}}}",
            "model.generator={{layers=4, hidden={2}, heads=1, intermediate={0}}}",
        ),
    ),
    "layers": (
        (2, 4, 8),
        (
            "model.discriminator={{layers={0}, hidden=256, heads=4, intermediate=1024}}",
            "model.generator={{layers={0}, hidden=64, heads=1, intermediate=256}}",
        ),
    ),
    "vocabulary": ((8_192, 16_384, 32_768, 65_536), ("vocabulary.size={0}",)),
    PROCESSES: (tuple(2**n for n in range(max(2, (os.cpu_count() or 1).bit_length()))), ("batch.rows={3}",)),
}
BASE = (
    "batch.rows=8",
    "batch.micro_rows=8",
    "data.row_length=128",
    "vocabulary.size=8192",
    "model.embedding=128",
    "model.discriminator={layers=4, hidden=256, heads=4, intermediate=1024}",
    "model.generator={layers=4, hidden=64, heads=1, intermediate=256}",
    "model.dropout=0",
    "model.attention_dropout=0",
    "compute.precision=fp32",
)


def recipe_of(what: str, size: int) -> Recipe:
    changed = [text.format(size, 4 * size, size // 4, 8 * size) for text in SIZES[what][1]]
    keys = {text.partition("=")[0] for text in changed}
    return load("small", [*(text for text in BASE if text.partition("=")[0] not in keys), *changed])


def step(recipe: Recipe, steps: int) -> tuple[float, float]:
    """Return the seconds of the median step, and the peak in megabytes beyond the memory in use before the model."""
    from benchmarks.rivals import ours
    from benchmarks.rows import full_rows

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = isolation.median_seconds(ours(recipe, full_rows(recipe)), steps, warmup=2)
    return seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def arithmetic(recipe: Recipe) -> float:
    from benchmarks.rows import full_rows
    from pretrain.step.flops import model_flops, work_of

    return model_flops(recipe, work_of([full_rows(recipe)]))


def measure(what: str, size: int, steps: int, threads: int) -> tuple[float, float]:
    processes, threads = (size, 1) if what == PROCESSES else (1, threads)
    only = isolation.module("benchmarks.scaling", "--only", f"{what}={size}", "--steps", steps, processes=processes)
    seconds, megabytes = isolation.numbers(only, threads)
    return seconds, megabytes


def exponent(sizes: tuple[int, ...], values: list[float]) -> float:
    """Return the slope of the least squares line through the logarithms."""
    x, y = [math.log(size) for size in sizes], [math.log(value) for value in values]
    return statistics.covariance(x, y) / statistics.variance(x)


def main(
    rounds: int = 3,
    steps: int = 5,
    threads: int = os.cpu_count() or 1,
    only: Annotated[str | None, typer.Option(hidden=True)] = None,
) -> None:
    if only:
        what, _, size = only.partition("=")
        found = step(recipe_of(what, int(size)), steps)
        if os.environ.get("RANK", "0") == "0":
            print(*found)
        return
    measured: dict[tuple[str, int], list[tuple[float, float]]] = {
        (what, size): [] for what, (sizes, _) in SIZES.items() for size in sizes
    }
    for _ in range(rounds):
        for (what, size), results in measured.items():
            results.append(measure(what, size, steps, threads))
    print(f"{processor()}, {threads} threads; {packages_and_date('torch', 'deepspeed')}\n")
    print("| | sizes | ms a step | exponent of time | of its arithmetic | MB | exponent of memory |")
    print("|---|---|---|---:|---:|---|---:|")
    for what, (sizes, _) in SIZES.items():
        seconds = [statistics.median(second for second, _ in measured[what, size]) for size in sizes]
        memory = [statistics.median(megabytes for _, megabytes in measured[what, size]) for size in sizes]
        flops = [arithmetic(recipe_of(what, size)) for size in sizes]
        print(
            f"| {what} | {' '.join(map(str, sizes))} | {' '.join(f'{second * 1e3:.0f}' for second in seconds)} "
            f"| {exponent(sizes, seconds):.2f} | {exponent(sizes, flops):.2f} "
            f"| {' '.join(f'{megabytes:.0f}' for megabytes in memory)} | {exponent(sizes, memory):.2f} |"
        )


if __name__ == "__main__":
    typer.run(main)
