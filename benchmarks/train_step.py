"""Compare our whole training step with the loops that people write with transformers, in turns.

    python -m benchmarks.train_step --rows 32 --length 128

Every measurement is a process of its own: forward, both losses, backward, clipping and update, on the CPU. With
--precision bf16, ours and the ways in bf16 compute their matrix products in bf16, and the ceiling is that of bf16. The
rows are full rows of random tokens, or rows of a corpus. With a corpus, our step takes its packed rows, and the other
loops take the same text with one example in a row. Google's code (--google CHECKOUT --google-python PYTHON) masks
within the step and takes full rows only. The ceiling is the rate of a square matrix product on the same threads,
measured in the same rounds.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks import isolation
from benchmarks.machine import packages_and_date, processor

WARMUP_STEPS = 2
CEILING = "square matrix products"
BARE = "ours without DeepSpeed, dropout 0"
SHIPPED = "(a) transformers as shipped, dropout 0.1"
EAGER_BF16 = "(a) in bf16 autocast, dropout 0.1"
COMPILED_BF16 = "(a) compiled, in bf16 autocast, dropout 0.1"
GOOGLES = "(c) Google's code in TensorFlow, dropout 0.1"
# The dropout of each way equals that of its rival: (a) keeps transformers' own dropout, (b) has none.
WAYS = {
    "ours, dropout 0.1": 0.1,
    SHIPPED: 0.1,
    BARE: 0.0,
    "ours, dropout 0": 0.0,
    "(b) transformers, masked positions gathered, dropout 0": 0.0,
    EAGER_BF16: 0.1,
    COMPILED_BF16: 0.1,
    GOOGLES: 0.1,
}


class Precision(StrEnum):
    fp32 = "fp32"
    bf16 = "bf16"


@dataclass(frozen=True)
class Shape:
    """The shape of the rows, and the text that they are taken from."""

    recipe: str
    rows: int
    length: int
    precision: Precision
    packed: Path | None  # a corpus for our step
    single: Path | None  # the same text with one example in a row, for the other loops

    def options(self) -> list[str]:
        named: dict[str, Any] = {"--recipe": self.recipe, "--rows": self.rows, "--length": self.length}
        named["--precision"] = self.precision.value
        corpora = {"--packed": self.packed, "--single": self.single}
        return [str(part) for name, value in {**named, **corpora}.items() if value for part in (name, value)]

    def load(self, way: str) -> tuple[Any, Any]:
        """Return the recipe and the batch for one way."""
        from benchmarks.rows import full_rows, real_rows
        from configs.load import load
        from data_prep.shards import Corpus, with_corpus_tables

        dropout = WAYS[way]
        overrides = [f"batch.rows={self.rows}", f"batch.micro_rows={self.rows}"]
        # People's own loops compute in fp32 as long as they do not ask for anything else.
        overrides += [f"compute.precision={'fp32' if way == SHIPPED else self.precision.value}"]
        overrides += [f"model.dropout={dropout}", f"model.attention_dropout={dropout}"]
        overrides += [f"data.row_length={self.length}"]
        corpus = self.packed if way.startswith("ours") else self.single
        if not corpus:
            recipe = load(self.recipe, overrides)
            return recipe, full_rows(recipe)
        if corpus == self.single:
            overrides += ["data.packing=single"]
        recipe = with_corpus_tables(load(self.recipe, overrides), Corpus(corpus))
        return recipe, real_rows(recipe, corpus)


def tokens_per_second(way: str, shape: Shape, steps: int) -> tuple[float, float]:
    """Return real tokens and model FLOPs per second of the median step, after some steps that warm up."""
    from benchmarks import rivals
    from pretrain.step.flops import model_flops, work_of

    recipe, batch = shape.load(way)
    if way == BARE:
        step = rivals.without_deepspeed(recipe, batch)
    elif way.startswith("ours"):
        step = rivals.ours(recipe, batch)
    else:
        step = rivals.transformers(recipe, batch, gathered="gathered" in way, compiled=way == COMPILED_BF16)
    middle, work = isolation.median_seconds(step, steps, WARMUP_STEPS), work_of([batch])
    return work.tokens / middle, model_flops(recipe, work) / middle


def matmul_flops(precision: Precision) -> float:
    import torch

    from pretrain.step.flops import matmul_rate

    return matmul_rate(torch.device("cpu"), torch.bfloat16 if precision is Precision.bf16 else torch.float32)


def measure(way: str, shape: Shape, steps: int, threads: int) -> tuple[float, float]:
    """Measure one way in a process of its own; return tokens and FLOPs per second."""
    only = isolation.module("benchmarks.train_step", "--only", way, "--steps", steps, *shape.options())
    tokens, flops = isolation.numbers(only, threads)
    return tokens, flops


def measure_google(google: Path, python: Path, shape: Shape, steps: int, threads: int) -> tuple[float, float]:
    from pretrain.step.flops import model_flops, work_of

    recipe, batch = shape.load(GOOGLES)
    generator, discriminator = recipe.model.generator, recipe.model.discriminator
    assert generator.layers == discriminator.layers, "Google's generators are as deep as their discriminators"
    numbers = {
        "rows": shape.rows,
        "length": shape.length,
        "vocabulary": recipe.vocabulary.size,
        "embedding": recipe.model.embedding,
        "generator_width": generator.hidden / discriminator.hidden,
        "hparams": {
            "num_hidden_layers": discriminator.layers,
            "hidden_size": discriminator.hidden,
            "num_attention_heads": discriminator.heads,
            "intermediate_size": discriminator.intermediate,
        },
        "threads": threads,
        "warmup": WARMUP_STEPS,
        "steps": steps,
    }
    script = Path(__file__).with_name("google_step.py")
    [seconds] = isolation.numbers([python, script, google, json.dumps(numbers)], threads)
    work = work_of([batch])
    return work.tokens / seconds, model_flops(recipe, work) / seconds


def main(
    recipe: str = "small",
    rows: int = 32,
    length: Annotated[int, typer.Option(help="Of the rows, in the corpora too.")] = 128,
    precision: Precision = Precision.fp32,
    packed: Annotated[Path | None, typer.Option(help="A corpus for ours.")] = None,
    single: Annotated[Path | None, typer.Option(help='The same text, data.packing="single", for theirs.')] = None,
    google: Annotated[Path | None, typer.Option(help="A checkout of google-research/electra.")] = None,
    google_python: Annotated[Path, typer.Option(help="A Python that has TensorFlow.")] = Path(sys.executable),
    rounds: int = 5,
    steps: Annotated[int, typer.Option(help="Of every measurement.")] = 5,
    threads: Annotated[int, typer.Option(help="Of each process; by default one for each core.")] = os.cpu_count() or 1,
    only: Annotated[str | None, typer.Option(hidden=True)] = None,
) -> None:
    shape = Shape(recipe, rows, length, precision, packed, single)
    if only == CEILING:
        print(0, matmul_flops(precision))
        return
    if only:
        print(*tokens_per_second(only, shape, steps))
        return
    left_out = {GOOGLES} if not google else set()
    # Google's code computes in fp32. Ours without DeepSpeed is measured in fp32 alone.
    left_out |= {GOOGLES, BARE} if precision is Precision.bf16 else {EAGER_BF16, COMPILED_BF16}
    ways = [CEILING, *(way for way in WAYS if way not in left_out)]
    rates: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, measured in rates.items():
            if google and way == GOOGLES:
                measured.append(measure_google(google, google_python, shape, steps, threads))
            else:
                measured.append(measure(way, shape, steps, threads))
    print_table(rates, shape, threads)


def print_table(rates: dict[str, list[tuple[float, float]]], shape: Shape, threads: int) -> None:
    ceiling = statistics.median(flops for _, flops in rates.pop(CEILING))
    text = "documents" if shape.packed else "full rows"
    print(
        f"{shape.recipe}, {shape.rows} x {shape.length}, {text}, {shape.precision.value}; {processor()}, "
        f"{threads} threads, {ceiling / 1e9:.0f} GFLOP/s in square matrix products; "
        f"{packages_and_date('torch', 'transformers', 'deepspeed')}\n"
    )
    print("| | tokens/s | lowest to highest | of the ceiling | ours is |\n|---|---:|---:|---:|---:|")
    medians = {way: statistics.median(tokens for tokens, _ in measured) for way, measured in rates.items()}
    for way, measured in rates.items():
        tokens = [tokens for tokens, _ in measured]
        share = statistics.median(flops for _, flops in measured) / ceiling
        mine = medians[f"ours, dropout {WAYS[way]:g}"]
        ratio = "" if way.startswith("ours, ") else f"{mine / medians[way]:.2f}x"
        print(f"| {way} | {medians[way]:,.0f} | {min(tokens):,.0f} to {max(tokens):,.0f} | {share:.0%} | {ratio} |")


if __name__ == "__main__":
    typer.run(main)
