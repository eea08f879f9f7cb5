"""Compare the training of a vocabulary, as `electra prepare` does it, with the trainer of tokenizers called plainly.

    python -m benchmarks.vocabulary --text FOLDER [--size 30522 --alphabet 1000] [--rounds 3]
    python -m benchmarks.vocabulary --text FOLDER --megabytes 100 --megabytes 300 --megabytes 1000

Both ways train on the same file with one thread. Ours reads the text as `electra prepare` does, draws a sample of
`vocabulary.sample_bytes`, and checks the text for warnings. With `--megabytes`, only ours is measured, on text that is
repeated with changes until it has the given size.
"""

from __future__ import annotations

import hashlib
import resource
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from benchmarks import isolation
from benchmarks.data_prep import plain, seconds_of
from benchmarks.data_prep_memory import write_text
from benchmarks.machine import packages_and_date, processor
from configs.folders import VOCABULARY_FILE
from configs.load import load


def electra(text: Path, size: int, alphabet: int, sample: int, out: Path) -> float:
    from data_prep.claim import claimed
    from data_prep.stages import Preparation

    keys = [f"vocabulary.size={size}", f"vocabulary.alphabet={alphabet}", f"vocabulary.sample_bytes={sample}"]
    corpus = Preparation(load("small", [f"data.sources={text}", *keys]), out)
    with claimed(out, corpus.plan, alone=True):
        return seconds_of(corpus.make_vocabulary)[0]


def trainer(text: Path, size: int, alphabet: int, sample: int, out: Path) -> float:
    """Train on all of the text, since the trainer draws no sample."""
    from tokenizers import BertWordPieceTokenizer

    tokenizer = BertWordPieceTokenizer(lowercase=True, strip_accents=True)
    options = {"vocab_size": size, "min_frequency": 2, "limit_alphabet": alphabet, "show_progress": False}
    seconds, _ = seconds_of(lambda: tokenizer.train([str(text / "text.txt")], **options))
    entries = sorted(tokenizer.get_vocab().items(), key=lambda entry: entry[1])
    out.mkdir()
    (out / VOCABULARY_FILE).write_text("".join(f"{entry}\n" for entry, _ in entries), encoding="utf-8")
    return seconds


WAYS: dict[str, Callable[[Path, int, int, int, Path], float]] = {
    "vocabulary of `electra prepare`": electra,
    "BertWordPieceTokenizer.train": trainer,
}


class Measured(NamedTuple):
    seconds: float
    peak_megabytes: float
    sha256: str  # of vocab.txt


def measure(way: str, text: Path, size: int, alphabet: int, sample: int) -> Measured:
    """Measure one of `WAYS` in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        numbers = ("--size", size, "--alphabet", alphabet, "--sample-bytes", sample)
        command = isolation.module("benchmarks.vocabulary", "--only", way, "--text", text, "--out", out, *numbers)
        seconds, peak = isolation.numbers(command, threads=1)
        return Measured(seconds, peak, hashlib.sha256((out / VOCABULARY_FILE).read_bytes()).hexdigest())


def compare(text: Path, size: int, alphabet: int, sample: int, rounds: int) -> None:
    """Print the medians of each way, the ways in turns, and whether all rounds gave the same vocabulary."""
    with tempfile.TemporaryDirectory() as folder:
        plain(text, Path(folder))
        megabytes = (Path(folder) / "text.txt").stat().st_size / 1e6
        turns = [[measure(way, Path(folder), size, alphabet, sample) for way in WAYS] for _ in range(rounds)]
    print(f"{megabytes:.1f} MB, {size} entries; {processor()}, one thread; {packages_and_date('tokenizers')}\n")
    print("| | MB/s | lowest to highest | ours is | peak memory in MB | the same every time |")
    print("|---|---:|---:|---:|---:|---|")
    ours = statistics.median(turn[0].seconds for turn in turns)
    for way, of_way in zip(WAYS, zip(*turns, strict=True), strict=True):
        seconds = [measured.seconds for measured in of_way]
        middle, peak = statistics.median(seconds), max(measured.peak_megabytes for measured in of_way)
        same = "yes" if len({measured.sha256 for measured in of_way}) == 1 else "no"
        print(
            f"| {way} | {megabytes / middle:.2f} | {megabytes / max(seconds):.2f} to {megabytes / min(seconds):.2f} "
            f"| {middle / ours:.2f}x | {peak:.0f} | {same} |"
        )


def grow(text: Path, size: int, alphabet: int, sample: int, megabytes: list[int]) -> None:
    """Print the time and the memory of ours for each size of text."""
    print("| MB of text | seconds | MB/s | peak memory in MB |\n|---:|---:|---:|---:|")
    for wanted in megabytes:
        with tempfile.TemporaryDirectory() as folder:
            write_text(text, wanted, Path(folder) / "text.txt")
            measured = measure(next(iter(WAYS)), Path(folder), size, alphabet, sample)
        rate = wanted / measured.seconds
        print(f"| {wanted} | {measured.seconds:.0f} | {rate:.1f} | {measured.peak_megabytes:.0f} |", flush=True)


def main(
    text: Annotated[Path, typer.Option(help="Folder of text, a blank line between documents.")],
    size: Annotated[int, typer.Option(help="Entries of the vocabulary.")] = 30522,
    alphabet: Annotated[int, typer.Option(help="Characters that get an entry.")] = 1000,
    sample_bytes: Annotated[int, typer.Option(help="Of the text, for ours.")] = 1_000_000_000,
    rounds: Annotated[int, typer.Option(min=2)] = 3,
    megabytes: Annotated[list[int] | None, typer.Option(help="Sizes of text at which the memory is measured.")] = None,
    only: Annotated[str | None, typer.Option(hidden=True)] = None,
    out: Annotated[Path, typer.Option(hidden=True)] = Path(),
) -> None:
    if only:
        seconds = WAYS[only](text, size, alphabet, sample_bytes, out)
        print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6)
    elif megabytes:
        grow(text, size, alphabet, sample_bytes, megabytes)
    else:
        compare(text, size, alphabet, sample_bytes, rounds)


if __name__ == "__main__":
    typer.run(main)
