"""Measure whether the memory of `electra prepare` grows with the text.

    python -m benchmarks.data_prep_memory --text FOLDER --vocabulary vocab.txt [--megabytes 30 --megabytes 300]

The result is the peak of the parent process and of its largest worker. The text is repeated until it is as long as
wanted, with a number at the head of every paragraph so that no repetition equals another.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from itertools import count
from pathlib import Path
from typing import Annotated

import psutil
import typer

from benchmarks import isolation
from configs.corpus_tables import SourceTable
from data_prep.sources.readers import documents
from data_prep.sources.tasks import cut_into_tasks

WORKERS = 2


def write_text(source: Path, megabytes: int, path: Path) -> None:
    """Write as many documents as make this number of megabytes, each of them different from all others."""
    pieces = [piece for task in cut_into_tasks((SourceTable(path=str(source)),)) for piece in task]
    with path.open("w", encoding="utf-8") as file:
        for turn in count():
            for number, document in enumerate(document for piece in pieces for document in documents(piece)):
                lines = (f"{turn} {number} {line}" for line in document.text.splitlines() if line.strip())
                file.write("\n".join(lines) + "\n\n")
                if file.tell() >= megabytes * 10**6:
                    return


def preparation(text: Path, vocabulary: Path, out: Path, workers: int) -> list[str]:
    """Return the command that prepares the text with the recipe `small` and this vocabulary."""
    size = len(vocabulary.read_text(encoding="utf-8").splitlines())
    taken = [f"vocabulary.source={vocabulary}", f"vocabulary.size={size}", f"data.sources={text}"]
    command = isolation.module("data_prep", "prepare", "small", *taken, "--out", out, "--workers", workers)
    return [str(part) for part in command]


def peaks(text: Path, vocabulary: Path, out: Path) -> tuple[int, int]:
    """Return the largest resident memory of the parent and of a worker, in bytes, sampled every 20 ms."""
    command = preparation(text, vocabulary, out, WORKERS)
    process = psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    parent = worker = 0
    while process.poll() is None:
        try:
            parent = max(parent, process.memory_info().rss)
            worker = max([worker, *(child.memory_info().rss for child in process.children(recursive=True))])
        except psutil.NoSuchProcess:
            continue
        time.sleep(0.02)
    assert process.returncode == 0, "preparation failed"
    return parent, worker


def main(
    text: Annotated[Path, typer.Option(help="A folder or a file of text.")],
    vocabulary: Annotated[Path, typer.Option(help="A vocab.txt.")],
    megabytes: Annotated[list[int] | None, typer.Option(help="Sizes to compare.")] = None,
) -> None:
    """Print the peaks for each size, and how they grow."""
    first: tuple[int, int] | None = None
    for size in megabytes or [30, 300]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "text.txt"
            write_text(text, size, path)
            found = peaks(path, vocabulary, Path(folder) / "corpus")
        first = first or found
        shares = " and ".join(
            f"{now / 1e6:.0f} MB ({now / then - 1:+.0%})" for now, then in zip(found, first, strict=True)
        )
        print(f"{size} MB of text: parent and largest worker {shares}", flush=True)


if __name__ == "__main__":
    typer.run(main)
