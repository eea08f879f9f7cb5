"""Kill -9 in every phase of a run, over and over: does the same command go on, with the losses of a run left alone?

    python -m benchmarks.faults [--seed 1] [--rounds 1] [--processes 1 --processes 2] [--stage 0 --stage 1 --stage 2]

A round is a kill in each phase, in a random order, for each number of processes and ZeRO stage. Exit code 1 when a run
did not go on, or not with the same numbers.
"""

from __future__ import annotations

import os
import random
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from pydoc_data import topics
from typing import Annotated, Any

import psutil
import typer

from benchmarks import isolation
from configs.load import load
from data_prep.prepare import prepare
from pretrain.run import checkpoint
from pretrain.run.logs import read_metrics

PHASES = ("start", "step", "write", "delete", "evaluate")
# Enough of everything: a save every 5 steps deletes the one before, and an evaluation takes a while.
SETTINGS = (
    *("data.row_length=64", "data.validation_share=0.1", "vocabulary.size=2000", "masking.maskings=2"),
    *("schedule.steps=120", "schedule.warmup_steps=8", "batch.rows=8", "batch.micro_rows=8"),
    *("run.log_every=1", "run.evaluate_every=6", "run.evaluate_rows=64", "run.save_every=5", "run.keep_last=1"),
)
EVALUATE_EVERY = 6
START_SECONDS = 6.0
# What depends on the clock, and not on the run.
_CLOCK = ("rows_per_second", "tokens_per_second", "data_wait_share", "model_tflops_per_second", "mfu")


@dataclass(frozen=True)
class Kill:
    phase: str
    victim: str
    step: int  # the last one in the log
    left: tuple[str, ...]  # hidden files and folders that the kill left


def make_corpus(folder: Path) -> Path:
    """Of Python's own documentation."""
    text = folder / "text.txt"
    text.write_text("\n\n".join(topics.topics.values()), encoding="utf-8")
    prepare(load("tiny", [*SETTINGS, f"data.sources={text}"]), folder / "corpus", workers=1)
    return folder / "corpus"


def begin(command: Sequence[object]) -> psutil.Popen:
    """With one thread each, since several share a machine."""
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return psutil.Popen([str(part) for part in command], env=os.environ | {"OMP_NUM_THREADS": "1"}, **quiet)


def numbers(run: Path) -> dict[tuple[str, int], dict[str, float]]:
    """All that a run logged, by kind and step, without what depends on the clock."""
    lines = read_metrics(run)
    logged = {(line["kind"], line["step"]): {k: v for k, v in line.items() if k not in _CLOCK} for line in lines}
    assert len(logged) == len(lines), f"{run}: a step was logged twice"
    return logged


def last_step(run: Path) -> int:
    return max((line["step"] for line in read_metrics(run)), default=0)


def left_behind(run: Path) -> tuple[str, ...]:
    """What a run hides, but for its lock."""
    return tuple(sorted(path.name for path in run.rglob(".*") if path.name != ".lock"))


def sign_of(phase: str, run: Path, chance: random.Random) -> Callable[[], bool]:
    """Whether a run that has just been started is in the phase, at a moment of it that is drawn."""
    checkpoints = run / "checkpoints"
    match phase:
        case "start":
            moment = time.monotonic() + chance.uniform(0, START_SECONDS)
            return lambda: time.monotonic() > moment
        case "step":
            wanted = last_step(run) + chance.randint(1, 5)
            return lambda: last_step(run) >= wanted
        case "write" | "delete":
            prefix = {"write": ".writing-", "delete": ".deleting-"}[phase]
            return lambda: any(checkpoints.glob(f"{prefix}*"))
        case _:
            return lambda: _evaluates(run)


def _evaluates(run: Path) -> bool:
    """A step that is evaluated was logged last, and nothing is being saved."""
    logged = any(line["kind"] == "training" and line["step"] % EVALUATE_EVERY == 0 for line in read_metrics(run)[-1:])
    return logged and not any((run / "checkpoints").glob(".*"))


def kill(arguments: Sequence[object], run: Path, phase: str, chance: random.Random) -> Kill | None:
    """Start a run and kill it in a phase; None when it has ended before that.

    Who is to die is stopped first, so that the phase is certain.
    """
    process = begin(arguments)
    sign = sign_of(phase, run, chance)
    while process.poll() is None:
        if not sign():
            time.sleep(0.0005)
            continue
        if phase in ("write", "evaluate"):
            time.sleep(chance.uniform(0, 0.05))
        family = [process, *process.children(recursive=True)]
        _each(family, "suspend")
        if sign():
            return _end(family, run, phase, chance)
        _each(family, "resume")
    return None


def _end(family: list[psutil.Process], run: Path, phase: str, chance: random.Random) -> Kill:
    """Kill all processes, the launcher alone, or one worker alone; the others are to end by themselves."""
    victims = {"all": family}
    if len(family) > 1:
        victims |= {"launcher": family[:1], "worker": [chance.choice(family[1:])]}
    name = chance.choice(sorted(victims))
    _each(victims[name], "kill")
    found = Kill(phase, name, last_step(run), left_behind(run))
    _each(family, "resume")
    _, alive = psutil.wait_procs(family, timeout=120)
    assert not alive, f"{run}: processes live on after a kill of {name}: {alive}"
    return found


def _each(processes: list[psutil.Process], what: str) -> None:
    for process in processes:
        try:
            getattr(process, what)()
        except psutil.NoSuchProcess:
            continue


def torment(
    arguments: Sequence[object], run: Path, whole: Path, phases: Sequence[str], chance: random.Random
) -> list[Kill]:
    """Kill a run once in each phase, then let it end; what was done. AssertionError: it was not as if undisturbed."""
    kills = [kill(arguments, run, phase, chance) for phase in phases]
    ended = begin(arguments).wait()
    assert ended == 0, f"{run}: the same command did not go on (exit code {ended})"
    assert numbers(run) == numbers(whole), f"{run}: other numbers than {whole}"
    assert not left_behind(run), f"{run}: something is left: {left_behind(run)}"
    for folder in checkpoint.list_checkpoints(run / "checkpoints"):
        checkpoint.verify(folder)
    return [done for done in kills if done]


def main(
    seed: Annotated[int, typer.Option(help="Of the moments, their order and the victims.")] = 1,
    rounds: Annotated[int, typer.Option(help="How many times in each phase.")] = 1,
    processes: Annotated[list[int] | None, typer.Option(help="How many at once.")] = None,
    stage: Annotated[list[int] | None, typer.Option(help="ZeRO stages.")] = None,
) -> None:
    """Print a line for every kill, and whether the runs were as if undisturbed."""
    chance = random.Random(seed)
    print("| processes | ZeRO | killed in | victim | after step | left by the kill |\n|---:|---:|---|---|---:|---|")
    num_kills, begun = 0, time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        corpus = make_corpus(folder)
        for count in processes or [1, 2]:
            for zero in stage or [0, 1, 2]:
                overrides = [*SETTINGS, f"compute.zero_stage={zero}"]
                whole, run = folder / f"whole-{count}-{zero}", folder / f"run-{count}-{zero}"
                assert begin(isolation.training("tiny", corpus, whole, count, overrides)).wait() == 0
                phases = list(PHASES) * rounds
                chance.shuffle(phases)
                for done in torment(
                    isolation.training("tiny", corpus, run, count, overrides), run, whole, phases, chance
                ):
                    left = ", ".join(done.left) or "nothing"
                    print(f"| {count} | {zero} | {done.phase} | {done.victim} | {done.step} | {left} |", flush=True)
                    num_kills += 1
    seconds = time.monotonic() - begun
    print(f"\n{num_kills} kills in {seconds:.0f} s; every run went on, with the numbers of one left alone")


if __name__ == "__main__":
    typer.run(main)
