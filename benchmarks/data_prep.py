"""Compare `electra prepare` with other ways to make pretraining data of the same text.

    python -m benchmarks.data_prep --text FOLDER --vocabulary vocab.txt [--google FOLDER --google-python PYTHON]
    python -m benchmarks.data_prep --text FOLDER --vocabulary vocab.txt --profile

The ways take turns, and every measurement is a process of its own whose clock starts when everything is imported.
Before the measurements, the ids that our look-up gives are compared with the ids of the tokenizer, on all of the text.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer

from benchmarks import data_prep_profile, isolation
from benchmarks.machine import packages_and_date, processor
from configs.corpus_tables import SourceTable
from configs.load import load
from configs.recipe import Recipe
from data_prep import vocabulary, wordpiece
from data_prep.sources import readers
from data_prep.sources.tasks import cut_into_tasks

# Google's builder gets only the first bytes of the text, because it would otherwise take most of the time. Its rate
# does not depend on how much it reads.
GOOGLE_BYTES = 2_000_000
GOOGLE = """
import sys, time
sys.path.insert(0, sys.argv[1])
import argparse
import build_pretraining_dataset as builder
names = ("corpus_dir", "vocab_file", "output_dir")
rest = dict(max_seq_length=128, num_processes=1, blanks_separate_docs=True, do_lower_case=True, strip_accents=True)
arguments = argparse.Namespace(**dict(zip(names, sys.argv[2:])), **rest)
builder.utils.rmkdir(arguments.output_dir)
began, busy = time.perf_counter(), time.process_time()
builder.write_examples(0, arguments)
print(time.perf_counter() - began, time.process_time() - busy)
"""


def recipe_of(text: Path, words: Path) -> Recipe:
    """Return the recipe `small`, with its ten maskings, for this text and this vocabulary."""
    size = len(words.read_text(encoding="utf-8").splitlines())
    return load("small", [f"data.sources={text}", f"vocabulary.source={words}", f"vocabulary.size={size}"])


class Rate(NamedTuple):
    """MB of text per second of wall time and of processor time; other work on the machine changes the latter less."""

    per_second: float
    per_cpu_second: float


def seconds_of(work: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds of wall time and of processor time that the work takes."""
    began, busy = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began, time.process_time() - busy


def electra(text: Path, words: Path, out: Path) -> tuple[float, float]:
    # Preparation imports matplotlib for its report.
    import matplotlib.backends.backend_svg  # noqa: F401

    from data_prep.prepare import prepare

    recipe = recipe_of(text, words)
    return seconds_of(lambda: prepare(recipe, out / "corpus", workers=1))


def encode_batch_fast(text: Path, words: Path, out: Path) -> tuple[float, float]:
    """Read and tokenize the text, and write nothing."""
    tokenizer = vocabulary.take(recipe_of(text, words).vocabulary)

    def encode() -> None:
        lines = (text / "text.txt").read_text(encoding="utf-8").splitlines()
        for first in range(0, len(lines), 1000):
            tokenizer.encode_batch_fast(lines[first : first + 1000], add_special_tokens=False)

    return seconds_of(encode)


def run_mlm(text: Path, words: Path, out: Path) -> tuple[float, float]:
    """Tokenize, join and cut as transformers' examples/pytorch/language-modeling/run_mlm.py does, without masks."""
    from datasets import disable_progress_bars, load_dataset
    from transformers import BertTokenizer

    disable_progress_bars()
    tokenizer = BertTokenizer(str(words))

    def group(columns: dict[str, list[list[int]]]) -> dict[str, list[list[int]]]:
        joined = {name: [value for row in rows for value in row] for name, rows in columns.items()}
        length = len(joined["input_ids"]) // 128 * 128
        return {name: [all_[at : at + 128] for at in range(0, length, 128)] for name, all_ in joined.items()}

    def prepare() -> None:
        lines = load_dataset("text", data_files=str(text / "text.txt"), split="train", cache_dir=str(out))
        tokenized = lines.map(
            lambda rows: tokenizer(rows["text"], return_special_tokens_mask=True), batched=True, remove_columns=["text"]
        )
        tokenized.map(group, batched=True)

    return seconds_of(prepare)


WAYS: dict[str, Callable[[Path, Path, Path], tuple[float, float]]] = {
    "electra prepare, all of it": electra,
    "encode_batch_fast, nothing written": encode_batch_fast,
    "datasets, the run_mlm way": run_mlm,
}
GOOGLES = "Google's build_pretraining_dataset.py"


def measure(way: str, text: Path, words: Path) -> Rate:
    """Measure one of `WAYS` in a process of its own."""
    with tempfile.TemporaryDirectory() as out:
        options = ("--only", way, "--text", text, "--vocabulary", words, "--out", out)
        return rate((text / "text.txt").stat().st_size, isolation.module("benchmarks.data_prep", *options))


def measure_google(google: Path, python: Path, text: Path, words: Path) -> Rate:
    with tempfile.TemporaryDirectory() as folder, open(text / "text.txt", "rb") as file:
        some = Path(folder) / "some"
        some.mkdir()
        size = (some / "text.txt").write_bytes(file.read(GOOGLE_BYTES).rpartition(b"\n")[0])
        return rate(size, [python, "-c", GOOGLE, google, some, words, Path(folder) / "out"])


def rate(size: int, command: Sequence[object]) -> Rate:
    """Return the rate of a command that works on `size` bytes with one thread and prints its seconds last."""
    seconds, cpu_seconds = isolation.numbers(command, threads=1)
    return Rate(size / seconds / 1e6, size / cpu_seconds / 1e6)


def plain(text: Path, folder: Path) -> None:
    """Write all documents below `text`, compressed or not, into one file that all ways can read."""
    with open(folder / "text.txt", "w", encoding="utf-8") as file:
        for task in cut_into_tasks((SourceTable(path=str(text)),)):
            for document in (document for piece in task for document in readers.documents(piece)):
                file.write("\n".join(document.text.splitlines()).strip("\n") + "\n\n")


def compare_ids(text: Path, words: Path) -> int:
    """Return how many tokens were compared; exit the program at the first difference."""
    tokenizer = vocabulary.take(recipe_of(text, words).vocabulary)
    tokenizer.encode_special_tokens = True
    encode = wordpiece.WordPiece(tokenizer)
    lines = (text / "text.txt").read_text(encoding="utf-8").splitlines()
    compared = 0
    for first in range(0, len(lines), 1000):
        some = lines[first : first + 1000]
        expected = [encoding.ids for encoding in tokenizer.encode_batch_fast(some, add_special_tokens=False)]
        ids = encode(some).ids
        if not np.array_equal(ids, np.concatenate([np.array(of_line, np.uint32) for of_line in expected])):
            sys.exit(f"other ids in lines {first} to {first + 1000}")
        compared += len(ids)
    return compared


def main(
    text: Annotated[Path, typer.Option(help="Folder of text, a blank line between documents.")],
    vocabulary: Annotated[Path, typer.Option(help="A vocab.txt, such as that of a corpus.")],
    google: Annotated[Path | None, typer.Option(help="A checkout of google-research/electra.")] = None,
    google_python: Annotated[Path, typer.Option(help="A Python that has TensorFlow.")] = Path(sys.executable),
    rounds: int = 5,
    profile: Annotated[bool, typer.Option("--profile", help="Only show where the time of ours goes.")] = False,
    only: Annotated[str | None, typer.Option(hidden=True)] = None,
    out: Annotated[Path, typer.Option(hidden=True)] = Path(),
) -> None:
    if only:
        print(*WAYS[only](text, vocabulary, out))
        return
    with tempfile.TemporaryDirectory() as folder:
        one = Path(folder)
        plain(text, one)
        megabytes = (one / "text.txt").stat().st_size / 1e6
        print(f"{megabytes:.1f} MB; {processor()}, one thread; {packages_and_date('tokenizers', 'numpy', 'datasets')}")
        if profile:
            data_prep_profile.print_table(data_prep_profile.seconds_of_steps(recipe_of(one, vocabulary), one / "out"))
            return
        print(f"the same {compare_ids(one, vocabulary):,} tokens as encode_batch_fast\n", flush=True)
        ways: dict[str, Callable[[], Rate]] = {
            way: (lambda way=way: measure(way, one, vocabulary.absolute())) for way in WAYS
        }
        if google:
            ways[GOOGLES] = lambda: measure_google(google, google_python, one, vocabulary.absolute())
        rates = {way: [] for way in ways}
        for _ in range(rounds):
            for way, measure_way in ways.items():
                rates[way].append(measure_way())
    print_table(rates)


def print_table(rates: dict[str, list[Rate]]) -> None:
    """Print the median, lowest and highest rate of each way, and how many times slower than the first its median is."""
    ours = medians(next(iter(rates.values())))
    print("| | MB/s | lowest to highest | ours is | MB per CPU second | ours is |\n|---|---:|---:|---:|---:|---:|")
    for way, of_way in rates.items():
        clock = [rate.per_second for rate in of_way]
        middle = medians(of_way)
        print(
            f"| {way} | {middle.per_second:.2f} | {min(clock):.2f} to {max(clock):.2f} "
            f"| {ours.per_second / middle.per_second:.1f}x "
            f"| {middle.per_cpu_second:.2f} | {ours.per_cpu_second / middle.per_cpu_second:.1f}x |"
        )


def medians(rates: list[Rate]) -> Rate:
    return Rate(*map(statistics.median, zip(*rates, strict=True)))


if __name__ == "__main__":
    typer.run(main)
