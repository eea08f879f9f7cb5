"""A whole training step of ours beside the loops that people write with transformers, in turns.

    python -m benchmarks.train_step --rows 32 --length 128

Every measurement is a process of its own: forward, both losses, backward, clipping and update on full rows of random
tokens, in fp32 on the CPU. The ceiling is the rate of a square matrix product on the same threads, taken in the same
rounds.
"""

from __future__ import annotations

import datetime
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer

STEPS, WARMUP_STEPS = 5, 2


def recipe_of(rows: int, length: int, dropout: float) -> Any:
    from configs.load import load

    return load(
        "small",
        [
            f"data.row_length={length}",
            f"batch.rows={rows}",
            f"batch.micro_rows={rows}",
            f"model.dropout={dropout}",
            f"model.attention_dropout={dropout}",
            "compute.precision=fp32",
        ],
    )


def random_batch(recipe: Any) -> Any:
    """Full rows of one example each, with every slot filled."""
    import torch

    from pretrain.batch import Batch
    from pretrain.sampling import STEPS as SAMPLING_STEPS

    rows, length = recipe.batch.rows, recipe.data.row_length
    num_slots = recipe.masking.slots(length)
    draw = torch.Generator().manual_seed(0)
    tokens = torch.randint(1000, recipe.vocabulary.size, (rows, length), generator=draw)
    slots = (torch.rand(rows, length - 2, generator=draw).argsort(1)[:, :num_slots] + 1).sort(1).values
    return Batch(
        tokens=tokens,
        segments=torch.zeros_like(tokens),
        positions=torch.arange(length).expand_as(tokens),
        examples=torch.ones_like(tokens),
        slots=slots,
        filled=torch.ones_like(slots, dtype=torch.bool),
        shown=torch.full_like(slots, 103),
        uniforms=torch.rand(*slots.shape, SAMPLING_STEPS, generator=draw),
        candidate_uniforms=torch.empty(*slots.shape, 0, SAMPLING_STEPS),
    )


def ours(rows: int, length: int, dropout: float) -> Callable[[], object]:
    import torch

    from pretrain.engine import Engine
    from pretrain.pair import ElectraPair
    from pretrain.world import join

    recipe = recipe_of(rows, length, dropout)
    torch.manual_seed(0)
    engine, batch = Engine(ElectraPair(recipe), recipe, join()), random_batch(recipe)
    return lambda: engine.step([batch], 1e-4, measure=False)


def transformers(rows: int, length: int, *, gathered: bool, dropout: float) -> Callable[[], object]:
    """ElectraForMaskedLM and ElectraForPreTraining with one table of words, Gumbel noise, and torch's AdamW.

    `gathered`: the generator's head sees the masked positions alone, and otherwise all, as the model does by itself.
    """
    import torch
    import torch.nn.functional as F
    from transformers import ElectraForMaskedLM, ElectraForPreTraining

    recipe = recipe_of(rows, length, dropout)
    batch = random_batch(recipe)
    torch.manual_seed(0)
    generator = ElectraForMaskedLM(_config(recipe, "generator")).train()
    discriminator = ElectraForPreTraining(_config(recipe, "discriminator")).train()
    discriminator.electra.embeddings.word_embeddings = generator.electra.embeddings.word_embeddings
    parameters = list({id(p): p for p in [*generator.parameters(), *discriminator.parameters()]}.values())
    optimizer = torch.optim.AdamW(parameters, lr=1e-4, eps=1e-6, weight_decay=0.01)
    masked = torch.zeros_like(batch.tokens, dtype=torch.bool).scatter(1, batch.slots, True)

    def logits_at_masked() -> Any:
        if not gathered:
            return generator(batch.masked_tokens).logits[masked]
        states = generator.electra(batch.masked_tokens).last_hidden_state[masked]
        return generator.generator_lm_head(generator.generator_predictions(states))

    def step() -> None:
        optimizer.zero_grad()
        logits = logits_at_masked()
        masked_loss = F.cross_entropy(logits, batch.tokens[masked])
        noise = -torch.log(-torch.log(torch.rand_like(logits) + 1e-9) + 1e-9)
        corrupted = batch.tokens.clone()
        corrupted[masked] = (logits.detach() + noise).argmax(-1)
        replaced = (corrupted != batch.tokens).long()
        detected = discriminator(corrupted, labels=replaced)
        (masked_loss + 50 * detected.loss).backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()

    return step


def _config(recipe: Any, part: str) -> Any:
    from transformers import ElectraConfig

    from pretrain.export.huggingface import config

    return ElectraConfig(**config(recipe, part, pad_id=0))


# Of each, the dropout of its rival: (a) keeps transformers' own, (b) has none.
WAYS: dict[str, Callable[[int, int], Callable[[], object]]] = {
    "ours, dropout 0.1": partial(ours, dropout=0.1),
    "(a) transformers as shipped, dropout 0.1": partial(transformers, gathered=False, dropout=0.1),
    "ours, dropout 0": partial(ours, dropout=0.0),
    "(b) transformers, masked positions gathered, dropout 0": partial(transformers, gathered=True, dropout=0.0),
}
CEILING = "square matrix products"


def tokens_per_second(way: str, rows: int, length: int) -> float:
    """The median step, behind some that warm up."""
    step = WAYS[way](rows, length)
    seconds = []
    for _ in range(WARMUP_STEPS + STEPS):
        began = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - began)
    return rows * length / statistics.median(seconds[WARMUP_STEPS:])


def measure(way: str, rows: int, length: int, threads: int) -> float:
    command = [sys.executable, "-m", "benchmarks.train_step", "--only", way]
    command += ["--rows", str(rows), "--length", str(length)]
    run = subprocess.run(
        command,
        env={**os.environ, "OMP_NUM_THREADS": str(threads), "CUDA_VISIBLE_DEVICES": ""},
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
    )
    if run.returncode:
        sys.exit(run.stderr)
    return float(run.stdout.split()[-1])


def main(
    rows: int = 32,
    length: int = 128,
    rounds: int = 5,
    threads: Annotated[int, typer.Option(help="Of each process; by default one for each core.")] = os.cpu_count() or 1,
    only: Annotated[str | None, typer.Option(hidden=True)] = None,
) -> None:
    if only == CEILING:
        import torch

        from pretrain.flops import matmul_rate

        print(matmul_rate(torch.device("cpu"), torch.float32))
        return
    if only:
        print(tokens_per_second(only, rows, length))
        return
    rates: dict[str, list[float]] = {way: [] for way in (CEILING, *WAYS)}
    for _ in range(rounds):
        for way, measured in rates.items():
            measured.append(measure(way, rows, length, threads))
    print_table(rates, rows, length, threads)


def print_table(rates: dict[str, list[float]], rows: int, length: int, threads: int) -> None:
    from pretrain.flops import model_flops, work_of

    recipe = recipe_of(rows, length, 0.0)
    batch = random_batch(recipe)
    flops_of_a_token = model_flops(recipe, work_of([batch])) / (rows * length)
    ceiling = statistics.median(rates.pop(CEILING))
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    processor = names[0].partition(": ")[2] if names else platform.processor()
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "transformers", "deepspeed"))
    print(
        f"small, {rows} x {length}, fp32; {processor}, {threads} threads, {ceiling / 1e9:.0f} GFLOP/s in square matrix "
        f"products; {packages}; {datetime.date.today()}\n"
    )
    print("| | tokens/s | lowest to highest | of the ceiling | ours is |\n|---|---:|---:|---:|---:|")
    mine = 0.0
    for way, measured in rates.items():
        middle = statistics.median(measured)
        mine = middle if way.startswith("ours") else mine
        ratio = "" if way.startswith("ours") else f"{mine / middle:.2f}x"
        print(
            f"| {way} | {middle:,.0f} | {min(measured):,.0f} to {max(measured):,.0f} "
            f"| {middle * flops_of_a_token / ceiling:.0%} | {ratio} |"
        )


if __name__ == "__main__":
    typer.run(main)
