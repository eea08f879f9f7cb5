"""Measure the export of a model to each format, beside reading and writing the bytes of its weights.

    python -m benchmarks.export_speed --recipe large
    python -m benchmarks.export_speed --recipe tiny      # only to see that it works

The model is a pair with random weights in the format of transformers, as a released model would be. Each export is a
command of its own, as in use, so the time contains the start of Python.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import torch
import typer

from benchmarks.machine import packages_and_date, processor
from configs.load import load
from configs.vocabulary.entries import SPECIAL_TOKENS
from pretrain.export.config import stated
from pretrain.export.huggingface import WEIGHTS
from pretrain.export.huggingface import write as write_huggingface
from pretrain.export.source import PARTS, Source
from pretrain.model.pair import ElectraPair
from pretrain.released.network import Network, TowerName

FORMATS = ("huggingface", "bert", "tensorflow", "paddle", "onnx")


def write_model(recipe_name: str, folder: Path) -> list[Path]:
    """Write a pair with random weights. Returns the files of its weights."""
    recipe = load(recipe_name)
    torch.manual_seed(0)
    pair = ElectraPair(recipe).eval()
    networks: dict[TowerName, Network] = {
        part: Network(part, pair.tower(part), stated(recipe, part), recipe_name) for part in PARTS
    }
    folder.mkdir()
    entries = [*SPECIAL_TOKENS.values(), *(f"w{number}" for number in range(recipe.vocabulary.size - 5))]
    (folder / "vocab.txt").write_text("".join(f"{entry}\n" for entry in entries))
    write_huggingface(Source(recipe_name, networks, dict.fromkeys(PARTS, pair), folder), PARTS, folder)
    return [folder / part / WEIGHTS for part in PARTS]


def seconds_to_copy(files: list[Path], folder: Path) -> float:
    """Read the files and write them again, with the bytes on the disk at the end, as an export leaves them."""
    began = time.perf_counter()
    for number, file in enumerate(files):
        with open(folder / f"{number}", "wb") as copy:
            copy.write(file.read_bytes())
            copy.flush()
            subprocess.run(["sync", copy.name], check=True)
    return time.perf_counter() - began


def main(recipe: Annotated[str, typer.Option(help="The shape.")] = "large") -> None:
    print(f"{recipe} on {processor()}; {packages_and_date('torch', 'transformers')}\n")
    with TemporaryDirectory() as name:
        folder = Path(name)
        files = write_model(recipe, folder / "model")
        copied = seconds_to_copy(files, folder)
        megabytes = sum(file.stat().st_size for file in files) / 1e6
        print(f"reading and writing {megabytes:,.0f} MB takes {copied:.1f} s\n")
        print("| format | seconds | times reading and writing | peak memory in GB |\n|---|---:|---:|---:|")
        for number, format in enumerate(FORMATS):
            out = folder / f"out-{number}"
            command = ["export", f"{folder / 'model'}", "--out", f"{out}", "--format", format]
            began = time.perf_counter()
            process = subprocess.Popen([sys.executable, "-m", "pretrain", *command], stdout=subprocess.DEVNULL)
            _, status, usage = os.wait4(process.pid, 0)
            seconds, peak = time.perf_counter() - began, usage.ru_maxrss / 1e6
            if status:
                sys.exit(f"electra {' '.join(command)} failed")
            print(f"| {format} | {seconds:.1f} | {seconds / copied:.1f} | {peak:.1f} |", flush=True)


if __name__ == "__main__":
    typer.run(main)
