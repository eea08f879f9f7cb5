"""Kill a run with SIGKILL in each of its phases, and check that the same command resumes it with the same losses.

    python -m benchmarks.faults [--seed 1] [--rounds 1] [--processes 1 --processes 2] [--stage 0 --stage 1 --stage 2]

The losses are compared with the losses of a run that was left alone. A round is one kill in each phase, in a random
order, for each number of processes and each ZeRO stage. The exit code is 1 when a run did not resume, or resumed with
other numbers.
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
# With these settings every phase occurs: a save every 5 steps deletes the previous checkpoint, and an evaluation takes
# long enough to be hit.
SETTINGS = (
    *("data.row_length=64", "data.validation_share=0.1", "vocabulary.size=2000", "masking.maskings=2"),
    *("schedule.steps=120", "schedule.warmup_steps=8", "batch.rows=8", "batch.micro_rows=8"),
    *("run.log_every=1", "run.evaluate_every=6", "run.evaluate_rows=64", "run.save_every=5", "run.keep_last=1"),
)
EVALUATE_EVERY = 6
START_SECONDS = 6.0
# These entries of the log depend on the clock, so two equal runs differ in them.
_CLOCK = ("rows_per_second", "tokens_per_second", "data_wait_share", "model_tflops_per_second", "mfu")


@dataclass(frozen=True)
class Kill:
    phase: str
    victim: str
    step: int  # the last step in the log
    left: tuple[str, ...]  # hidden files and folders that the kill left


def make_corpus(folder: Path) -> Path:
    """Prepare a corpus of Python's own documentation."""
    text = folder / "text.txt"
    text.write_text("\n\n".join(topics.topics.values()), encoding="utf-8")
    prepare(load("tiny", [*SETTINGS, f"data.sources={text}"]), folder / "corpus", workers=1)
    return folder / "corpus"


def begin(command: Sequence[object]) -> psutil.Popen:
    """Start a command with one thread for each process, since several processes share a machine."""
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return psutil.Popen([str(part) for part in command], env=os.environ | {"OMP_NUM_THREADS": "1"}, **quiet)


def numbers(run: Path) -> dict[tuple[str, int], dict[str, float]]:
    """Return all that a run logged, by kind and step, without the entries that depend on the clock."""
    lines = read_metrics(run)
    logged = {(line["kind"], line["step"]): {k: v for k, v in line.items() if k not in _CLOCK} for line in lines}
    assert len(logged) == len(lines), f"{run}: a step was logged twice"
    return logged


def last_step(run: Path) -> int:
    return max((line["step"] for line in read_metrics(run)), default=0)


def left_behind(run: Path) -> tuple[str, ...]:
    """Return the names of a run's hidden files and folders, except its lock."""
    return tuple(sorted(path.name for path in run.rglob(".*") if path.name != ".lock"))


def sign_of(phase: str, run: Path, chance: random.Random) -> Callable[[], bool]:
    """Return a function that says whether a newly started run is in the phase, at a randomly drawn moment of it."""
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
    """Return whether the last line of the log is a step that is evaluated, and nothing is being saved."""
    logged = any(line["kind"] == "training" and line["step"] % EVALUATE_EVERY == 0 for line in read_metrics(run)[-1:])
    return logged and not any((run / "checkpoints").glob(".*"))


def kill(arguments: Sequence[object], run: Path, phase: str, chance: random.Random) -> Kill | None:
    """Start a run and kill it in a phase; return None when the run ends before that.

    All processes are stopped before one is killed, so that the phase is certain.
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
    """Kill all processes, only the launcher, or only one worker; the other processes must then end by themselves."""
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
    """Kill a run once in each phase, then let it end, and return the kills.

    An AssertionError says that the run differs from an undisturbed run.
    """
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
