"""Measure the encoder of a discriminator in use: torch, onnxruntime in fp32 and int8, and ours with packed rows.

    python -m benchmarks.inference --recipe small
    python -m benchmarks.inference --recipe tiny --lengths 16 --rounds 3      # only to see that it works

Weights are random. A batch of one has a text of the full length. A batch of 32 has lengths spread evenly from a quarter
of the full length to the full length, as real texts differ. torch and onnxruntime pad them, and ours packs them into
rows of 512 tokens. All ways take turns in every round, and the table shows medians and how many times as fast as torch
each way is.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import numpy as np
import torch
import typer
from torch import Tensor

from benchmarks.machine import packages_and_date, processor
from configs.load import load
from pretrain.export.config import stated
from pretrain.export.huggingface import state_of
from pretrain.export.onnx_graph import write_graph
from pretrain.export.onnx_runtime import open_session, runtime_inputs
from pretrain.export.quantization import write_quantized
from pretrain.export.source import without_heads
from pretrain.model import attention
from pretrain.model.pair import ElectraPair
from pretrain.released.network import Network

ROW = 512
BATCHES = (1, 32)
Way = Callable[[], object]


def lengths_of(batch: int, length: int) -> list[int]:
    return [length] if batch == 1 else np.linspace(length / 4, length, batch).astype(int).tolist()


def padded(lengths: list[int], vocabulary: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return tokens, segments and real, [B, L] each."""
    real = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    tokens = torch.randint(vocabulary, real.shape, generator=torch.Generator().manual_seed(0))
    return tokens, torch.zeros_like(tokens), real


def packed(lengths: list[int], vocabulary: int) -> tuple[Tensor, Tensor, Tensor]:
    """Put texts into the first row that has room. Returns tokens, positions and the number of the text, [R, L] each."""
    rows: list[list[int]] = []
    for length in sorted(lengths, reverse=True):
        row = next((row for row in rows if sum(row) + length <= ROW), None)
        if row is None:
            rows.append(row := [])
        row.append(length)
    width = max(map(sum, rows))
    positions, examples = torch.zeros(len(rows), width, dtype=torch.int64), torch.zeros(len(rows), width)
    for number, row in enumerate(rows):
        positions[number, : sum(row)] = torch.cat([torch.arange(length) for length in row])
        examples[number, : sum(row)] = torch.arange(1, len(row) + 1).repeat_interleave(torch.tensor(row))
    tokens = torch.randint(vocabulary, positions.shape, generator=torch.Generator().manual_seed(0))
    return tokens, positions, examples.long()


class Ways:
    """One encoder with the same random weights, in every way."""

    def __init__(self, recipe_name: str, folder: Path):
        from transformers import ElectraConfig, ElectraModel

        recipe = load(recipe_name)
        torch.manual_seed(0)
        self.pair = ElectraPair(recipe).eval()
        self.vocabulary = recipe.vocabulary.size
        weights = without_heads(self.pair.tower("discriminator"))
        network = Network("discriminator", weights, stated(recipe, "discriminator"), recipe_name)
        self.files = {"onnxruntime": folder / "model.onnx", "onnxruntime int8": folder / "model_quantized.onnx"}
        state = state_of(network)
        for attention_name in ("eager", "sdpa"):
            options: dict[str, Any] = network.electra_config | {"attn_implementation": attention_name}
            config = ElectraConfig(**options)
            self.torch_model = ElectraModel.from_pretrained(None, config=config, state_dict=state).eval()
            if attention_name == "eager":
                write_graph(
                    self.torch_model, self.files["onnxruntime"], "last_hidden_state", recipe.model.max_positions
                )
        write_quantized(*self.files.values())

    def of(self, lengths: list[int], threads: int) -> dict[str, Way]:
        tokens, segments, real = padded(lengths, self.vocabulary)
        inputs = {"input_ids": tokens, "attention_mask": real.long(), "token_type_ids": segments}
        ways: dict[str, Way] = {"torch": lambda: self.torch_model(**inputs)}
        feeds = runtime_inputs(tokens, segments, real)
        for name, file in self.files.items():
            session = open_session(file, threads)
            ways[name] = lambda session=session: session.run(None, feeds)
        rows = packed(lengths, self.vocabulary)
        return ways | {"ours, packed": lambda: self.packed(*rows)}

    def packed(self, tokens: Tensor, positions: Tensor, examples: Tensor) -> Tensor:
        tables = self.pair.tables("discriminator")
        embedded = self.pair.embeddings(tables, tokens, positions, torch.zeros_like(tokens))
        return self.pair.discriminator(embedded, attention.bounds(examples))


@torch.inference_mode()
def medians(ways: dict[str, Way], rounds: int) -> dict[str, float]:
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds + 1):
        for name, way in ways.items():
            began = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - began)
    return {name: statistics.median(values[1:]) for name, values in seconds.items()}


def main(
    recipe: Annotated[str, typer.Option(help="The shape.")] = "small",
    lengths: Annotated[str, typer.Option(help="In tokens.")] = "16,32,64,128,256,512",
    threads: Annotated[str, typer.Option(help="How many.")] = "1,2",
    rounds: Annotated[int, typer.Option(help="How often everything is measured.")] = 9,
) -> None:
    print(f"{recipe} on {processor()}; {packages_and_date('torch', 'transformers', 'onnxruntime')}\n")
    with TemporaryDirectory() as folder:
        ways = Ways(recipe, Path(folder))
        print("| threads | batch | length |" + "".join(f" {name} |" for name in ways.of([8], 1)))
        print("|---:|---:|---:|---:|---:|---:|---:|")
        for number in map(int, threads.split(",")):
            torch.set_num_threads(number)
            for batch in BATCHES:
                for length in map(int, lengths.split(",")):
                    measured = medians(ways.of(lengths_of(batch, length), number), rounds)
                    cells = [f"{1000 * value:.1f} ms ({measured['torch'] / value:.2f}x)" for value in measured.values()]
                    print(f"| {number} | {batch} | {length} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    typer.run(main)
