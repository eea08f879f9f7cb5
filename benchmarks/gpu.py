"""Measure everything about speed on one GPU, in one call of a few minutes.

    python -m benchmarks.gpu --out figures          # on a GPU
    python -m benchmarks.gpu --out figures --dry    # the same code with tiny shapes on the CPU

The ceilings of the machine come first: the rates of matrix products and of copies. Then every recipe and row length is
measured with and without dropout: the kernels launched in a step, the tokens per second, the utilisation against the
measured ceiling, the peak memory, and the largest micro-batch. The tokens per second are those of our step, of our
compiled step (for `small` also with CUDA graphs), and of the eager loop of transformers. Figures are written to
OUT/figures.json as soon as they are known, and to a table at the end. OUT/trace.json.gz is the trace of one step of
`small` for chrome://tracing.
"""

from __future__ import annotations

import gc
import json
import statistics
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import torch
import typer

from benchmarks import rivals
from benchmarks.machine import packages_and_date, processor
from benchmarks.rows import full_rows
from configs.load import load
from configs.recipe import Recipe
from pretrain.step.flops import matmul_rate, model_flops, work_of
from pretrain.step.world import join

# Each entry is a recipe, a row length and a micro-batch.
SHAPES = (
    *(("small", 128, 512), ("small", 512, 128)),
    *(("base", 128, 256), ("base", 512, 64)),
    *(("large", 128, 128), ("large", 512, 32)),
)
DRY_SHAPES = (("tiny", 64, 2), ("tiny", 128, 2))
RIVAL = "transformers, eager"
# The value of compute.compile for each way. CUDA graphs help where a step waits for its kernel launches.
WAYS = {"ours": "false", "ours, compiled": "true", "ours, CUDA graphs": "cuda_graphs", RIVAL: "false"}
OF_GRAPHS = "small"
DROPOUTS = (0.1, 0.0)


@dataclass(frozen=True)
class Case:
    recipe: str
    length: int
    rows: int
    dropout: float
    way: str = "ours"


def cases(dry: bool) -> Iterator[Case]:
    """Return all cases with the recipes' own dropout first, in case time runs out."""
    for dropout in DROPOUTS:
        for shape in DRY_SHAPES if dry else SHAPES:
            for way, compiled in WAYS.items():
                if compiled != "cuda_graphs" or shape[0] == OF_GRAPHS:
                    yield Case(*shape, dropout, way)


def recipe_of(case: Case, dry: bool) -> Recipe:
    return load(
        case.recipe,
        [
            f"data.row_length={case.length}",
            f"batch.rows={case.rows}",
            f"batch.micro_rows={case.rows}",
            f"model.dropout={case.dropout}",
            f"model.attention_dropout={case.dropout}",
            f"compute.precision={'fp32' if dry else 'bf16'}",
            "compute.zero_stage=0",
            f"compute.compile={WAYS[case.way]}",
        ],
    )


def synchronize() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def free() -> None:
    gc.collect()
    torch._dynamo.reset()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def copy_rate(device: torch.device) -> float:
    """Return the bytes read and written per second when a large tensor is copied."""
    source = torch.empty(2**28 if device.type == "cuda" else 2**22, device=device)
    target = torch.empty_like(source)
    seconds = []
    for _ in range(6):
        synchronize()
        began = time.perf_counter()
        target.copy_(source)
        synchronize()
        seconds.append(time.perf_counter() - began)
    return 2 * source.nbytes / statistics.median(seconds[1:])


def median_seconds(step: rivals.Step, steps: int) -> float:
    """Return the seconds of one step.

    Three steps compile and warm up first. The measured steps do not wait for one another.
    """
    for _ in range(3):
        step()
    rounds = []
    for _ in range(5):
        synchronize()
        began = time.perf_counter()
        for _ in range(steps):
            step()
        synchronize()
        rounds.append((time.perf_counter() - began) / steps)
    return statistics.median(rounds)


def launches(step: rivals.Step, trace: Path | None = None) -> int:
    """Count the kernels and the CUDA graphs that one step launches; on a CPU, count its operators."""
    from torch.profiler import ProfilerActivity, profile

    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if torch.cuda.is_available() else [])]
    with profile(activities=activities) as profiled:
        step()
        synchronize()
    if trace:
        profiled.export_chrome_trace(str(trace))
    events = profiled.key_averages()
    # cuLaunchKernel is how Triton launches its kernels, and compiled layers are made of these.
    on_a_gpu = ("cudaLaunchKernel", "cuLaunchKernel", "cudaGraphLaunch")
    counted = on_a_gpu if torch.cuda.is_available() else ("aten::",)
    return sum(event.count for event in events if event.key.startswith(counted))


def figures(case: Case, ceiling: float, trace: Path | None, dry: bool) -> dict[str, Any]:
    free()
    recipe = recipe_of(case, dry)
    batch = full_rows(recipe)
    step = rivals.transformers(recipe, batch, gathered=False) if case.way == RIVAL else rivals.ours(recipe, batch)
    seconds = median_seconds(step, 2 if dry else 10)
    work = work_of([batch])
    return {
        "tokens_per_second": work.tokens / seconds,
        "of_the_ceiling": model_flops(recipe, work) / seconds / ceiling,
        "launches": launches(step, trace),
        "peak_gb": torch.cuda.max_memory_allocated() / 1e9 if torch.cuda.is_available() else 0.0,
    }


def largest_micro_batch(case: Case, dry: bool) -> int:
    """Double the micro-batch until memory is full, and return the last micro-batch that fitted."""
    rows = case.rows
    while not dry or rows < 8:
        free()
        recipe = recipe_of(replace(case, rows=2 * rows), dry)
        try:
            rivals.ours(recipe, full_rows(recipe))()
            synchronize()
        except torch.OutOfMemoryError:
            return rows
        rows *= 2
    return rows


def main(
    out: Annotated[Path, typer.Option(help="A folder for the figures and the trace.")],
    dry: Annotated[bool, typer.Option("--dry", help="Tiny shapes, on whatever there is.")] = False,
    minutes: Annotated[float, typer.Option(help="Nothing new is begun after so many.")] = 7,
) -> None:
    if not dry and not torch.cuda.is_available():
        raise SystemExit("there is no GPU here; --dry runs the same code on the CPU")
    out.mkdir(parents=True, exist_ok=True)
    began, device = time.monotonic(), join().device
    ceiling = matmul_rate(device, torch.float32 if dry else torch.bfloat16)
    machine = torch.cuda.get_device_name() if device.type == "cuda" else processor()
    heading = (
        f"{machine}; {ceiling / 1e12:.1f} TFLOP/s in square matrix products, {copy_rate(device) / 1e12:.2f} TB/s in "
        f"copies; {packages_and_date('torch', 'transformers', 'deepspeed')}"
    )
    print(heading, flush=True)
    results: list[dict[str, Any]] = []
    for case in cases(dry):
        if time.monotonic() - began > 60 * minutes:
            break
        trace = None if results else out / "trace.json.gz"
        try:
            results.append(asdict(case) | figures(case, ceiling, trace, dry))
            if case.way == "ours" and case.dropout == DROPOUTS[0]:
                results[-1]["largest_micro_batch"] = largest_micro_batch(case, dry)
        except torch.OutOfMemoryError:
            results.append(asdict(case) | {"out_of_memory": True})
        (out / "figures.json").write_text(json.dumps({"machine": heading, "figures": results}, indent=1))
        print(json.dumps(results[-1]), flush=True)
    print_table(results)


def print_table(results: list[dict[str, Any]]) -> None:
    print("\n| | tokens/s | of the ceiling | launches | peak GB | largest micro-batch | ours is |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for line in results:
        name = f"{line['recipe']}, {line['rows']} x {line['length']}, dropout {line['dropout']}, {line['way']}"
        if "out_of_memory" in line:
            print(f"| {name} | out of memory | | | | | |")
            continue
        print(
            f"| {name} | {line['tokens_per_second']:,.0f} | {line['of_the_ceiling']:.0%} | {line['launches']:,} "
            f"| {line['peak_gb']:.1f} | {line.get('largest_micro_batch', '')} | {ratio(line, results)} |"
        )


def ratio(line: dict[str, Any], results: list[dict[str, Any]]) -> str:
    """For a line of the rival, return the ratio to our best result with the same shape and dropout."""
    if line["way"] != RIVAL:
        return ""
    same = [other for other in results if all(other[key] == line[key] for key in ("recipe", "length", "dropout"))]
    best = max(other.get("tokens_per_second", 0.0) for other in same if other["way"] != RIVAL)
    return f"{best / line['tokens_per_second']:.2f}x"


if __name__ == "__main__":
    typer.run(main)
