"""Measure with how many FLOPs a recipe reaches the target of the reference, by paired seeds, on a fixed track.

    python -m benchmarks.record plan english tiny --text english/ --tasks tasks/ --out english
    python -m benchmarks.record measure english tiny --text english/ --tasks tasks/ --out english --jobs 2

The first command prints runs, tokens and hours. The second prepares the text, trains the judge, and then trains every
run, scores it with the judge and fine-tunes it on the tasks. Every run leaves one file, so the same command resumes
after an interruption of any kind, and after levers or seeds were added. [The README](README.md#recordpy) says how the
table is read.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.machine import packages_and_date, processor
from benchmarks.records.comparison import compare
from benchmarks.records.entries import Entry, read_levers
from benchmarks.records.judge import write_rows
from benchmarks.records.plan import plan_lines
from benchmarks.records.runs import Bench, Run, results_of
from benchmarks.records.table import markdown, notes
from benchmarks.records.track import HERE, own_or_named, read_track
from benchmarks.records.trial import trial
from configs.common.cli import application
from configs.common.errors import EXIT_UNFINISHED, Unfinished, UserError
from configs.common.files import make_folder, write_json, write_text
from configs.common.locks import Lock
from configs.folders import CORPUS_MANIFEST
from data_prep.shards import Corpus
from launch.processes import locked, run
from pretrain.run.signals import StopOnSignal

app = application()
app.command()(trial)

TrackName = Annotated[str, typer.Argument(help="english, zh, or a TOML file of that kind.")]
Shape = Annotated[str, typer.Argument(help="The recipe of the reference: tiny, mini, or a TOML file.")]
Text = Annotated[Path, typer.Option(help="The folder of the text.")]
Tasks = Annotated[Path, typer.Option(help="The folder of the tasks.")]
Out = Annotated[Path, typer.Option(help="Where everything goes; the same command resumes there.")]
LeversFile = Annotated[Path, typer.Option("--levers", help="What is compared.")]
Only = Annotated[list[str] | None, typer.Option(help="One of the entries; as often as needed.")]
Seeds = Annotated[int | None, typer.Option(min=1, help="Only the first so many seeds.")]
Jobs = Annotated[int, typer.Option(min=1, help="Runs side by side.")]


@app.command()
def plan(
    track: TrackName,
    shape: Shape,
    *,
    text: Text,
    tasks: Tasks,
    out: Out,
    levers: LeversFile = HERE / "levers.toml",
    only: Only = None,
    seeds: Seeds = None,
    jobs: Jobs = 1,
) -> None:
    """Print runs, tokens, FLOPs and hours. Nothing is written."""
    bench = _bench(track, shape, text, tasks, out, levers)
    typer.echo("\n".join(plan_lines(bench.runs(bench.levers.chosen(only or []), bench.levers.seeds[:seeds]), jobs)))


@app.command()
def measure(
    track: TrackName,
    shape: Shape,
    *,
    text: Text,
    tasks: Tasks,
    out: Out,
    levers: LeversFile = HERE / "levers.toml",
    only: Only = None,
    seeds: Seeds = None,
    jobs: Jobs = 1,
    threads: Annotated[int, typer.Option(min=1, help="Threads of a run.")] = 1,
) -> None:
    """Print the plan, measure every run that is not finished, and write record.md and record.json."""
    bench = _bench(track, shape, text, tasks, out, levers)
    entries, chosen_seeds = bench.levers.chosen(only or []), bench.levers.seeds[:seeds]
    bench.track.check_files()
    with StopOnSignal() as stop, locked(bench.out, stop.asked) as lock:
        work = _Work(bench, lock, stop.asked, threads)
        work.begin(entries)
        runs = bench.runs(entries, chosen_seeds)
        typer.echo("\n".join(plan_lines(runs, jobs)))
        failed = work.measure(runs, jobs)
        _report(bench)
    if stop.asked():
        raise Unfinished("stopped; the same command resumes")
    if failed:
        sys.exit(1)


@app.command()
def table(
    track: TrackName,
    shape: Shape,
    *,
    text: Text,
    tasks: Tasks,
    out: Out,
    levers: LeversFile = HERE / "levers.toml",
) -> None:
    """Write and print the table of the runs that are finished, also while others are measured."""
    _report(_bench(track, shape, text, tasks, out, levers))


def _bench(track: str, shape: str, text: Path, tasks: Path, out: Path, levers: Path) -> Bench:
    return Bench(read_track(track, text, tasks), str(own_or_named(shape)), read_levers(levers), out.absolute())


class _Work:
    """The commands of a benchmark, each of which writes its own log."""

    def __init__(self, bench: Bench, lock: Lock, asked_to_stop: Callable[[], bool], threads: int):
        self._bench, self._lock, self._asked = bench, lock, asked_to_stop
        self._environment = {"OMP_NUM_THREADS": str(threads), "TOKENIZERS_PARALLELISM": "false"}

    def begin(self, entries: Sequence[Entry]) -> None:
        """Prepare the corpora, check and print what is fixed, and train the judge."""
        bench = self._bench
        for entry in [bench.levers.reference, *(entry for entry in entries if entry.corpus)]:
            corpus = bench.corpus_of(entry)
            if not (corpus / CORPUS_MANIFEST).is_file():
                command = ["prepare", bench.recipe, "--out", str(corpus), *bench.corpus_overrides(entry)]
                self._require(f"prepare-{entry.name}", command)
        reference = Corpus(bench.corpus)
        bench.track.check_rows(reference)
        print("\n".join(bench.track.lines()), flush=True)
        if not bench.judged_rows.exists():
            self._judge(reference)

    def _judge(self, corpus: Corpus) -> None:
        bench = self._bench
        command = ["pretrain", bench.recipe, "--corpus", str(corpus.folder), "--run", str(bench.judge)]
        self._require("judge", [*command, *bench.judge_overrides()])
        write_rows(str(bench.judge), corpus, bench.track.content.judged_rows, bench.judged_rows)

    def measure(self, runs: Sequence[Run], jobs: int) -> list[Run]:
        """Measure every run that is not finished, and return those that failed."""
        left = [each for each in runs if not each.result()]
        with ThreadPoolExecutor(jobs) as pool:
            codes = list(pool.map(self._measure, left))
        return [each for each, code in zip(left, codes, strict=True) if code not in (0, EXIT_UNFINISHED)]

    def _measure(self, each: Run) -> int:
        if self._asked():
            return EXIT_UNFINISHED
        code = self._command(f"{each.entry.name}-{each.length:g}-{each.seed}", self._bench.command(each))
        result = each.result()
        print(f"{each}: AUC {result['auc']:.4f}" if result else f"{each}: ended with exit code {code}", flush=True)
        return code

    def _require(self, name: str, arguments: Sequence[str]) -> None:
        code = self._command(name, [sys.executable, "-m", "launch.cli", *arguments])
        if code == EXIT_UNFINISHED:
            raise Unfinished("stopped; the same command resumes")
        if code:
            raise UserError(f"{self._log(name)}: the command of this log ended with exit code {code}")

    def _command(self, name: str, command: Sequence[str]) -> int:
        make_folder(self._log(name).parent)
        with open(self._log(name), "a", encoding="utf-8") as log:
            return run(command, self._lock, self._asked, self._environment, log)

    def _log(self, name: str) -> Path:
        return self._bench.out / "logs" / f"{name}.log"


def _report(bench: Bench) -> None:
    """Write and print the table of everything that is finished."""
    entries = list(bench.levers.entries.values())
    lines = compare(entries, results_of(bench.runs(entries, bench.levers.seeds)))
    machine = f"{processor()}; {packages_and_date('torch')}"
    table = "\n".join([markdown(lines), *notes(), "", machine, ""])
    write_text(bench.out / "record.md", table)
    content = {"track": str(bench.track.file), "machine": machine, "lines": [line.to_dict() for line in lines]}
    write_json(bench.out / "record.json", content)
    print(f"\n{table}\n{bench.out / 'record.md'}")


if __name__ == "__main__":
    app()
