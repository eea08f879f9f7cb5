"""Measure how much faster `electra prepare` is with several workers, and how much of that the machine allows.

    python -m benchmarks.data_prep_workers --text FOLDER --vocabulary vocab.txt [--megabytes 1000 --workers 2]

The text is made as in `data_prep_memory`. Three ways take turns, each from the start of its commands to their end: one
worker, several workers, and as many commands of one worker at the same time, which share nothing but the machine. The
last tells the ceiling: how many times as much work the machine does when all of its cores work.
"""

from __future__ import annotations

import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.data_prep_memory import preparation, write_text
from benchmarks.machine import packages_and_date, processor


def seconds_of(text: Path, vocabulary: Path, workers: int, commands: int = 1) -> float:
    """Return the seconds that this number of commands take at the same time, each with its own corpus of the text."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        running = []
        for number in range(commands):
            command = preparation(text, vocabulary, Path(folder) / str(number), workers)
            running.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
        exit_codes = [process.wait() for process in running]
        assert not any(exit_codes), "preparation failed"
        return time.perf_counter() - began


def main(
    text: Annotated[Path, typer.Option(help="A folder or a file of text.")],
    vocabulary: Annotated[Path, typer.Option(help="A vocab.txt.")],
    megabytes: int = 1000,
    workers: int = 2,
    rounds: int = 3,
) -> None:
    """Print the median seconds of each way, and the ratios to one worker."""
    ways = {"one worker": (1, 1), f"{workers} workers": (workers, 1), f"{workers} commands at once": (1, workers)}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "text.txt"
        write_text(text, megabytes, path)
        found = {way: [] for way in ways}
        for _ in range(rounds):
            for way, (number, commands) in ways.items():
                found[way].append(seconds_of(path, vocabulary, number, commands))
    alone, together, at_once = (statistics.median(seconds) for seconds in found.values())
    print(f"{megabytes} MB; {processor()}; {packages_and_date('tokenizers', 'numpy')}\n")
    print("| | s | lowest to highest | times one worker |\n|---|---:|---:|---:|")
    for (way, seconds), ratio in zip(found.items(), (1.0, alone / together, workers * alone / at_once), strict=True):
        print(f"| {way} | {statistics.median(seconds):.1f} | {min(seconds):.1f} to {max(seconds):.1f} | {ratio:.2f}x |")


if __name__ == "__main__":
    typer.run(main)
