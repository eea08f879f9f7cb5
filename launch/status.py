"""`electra status` and `electra logs` read the folder of a run, and ask its scheduler if it can be reached."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from configs.common.errors import UserError
from configs.common.files import read_json
from configs.folders import CORPUS_MANIFEST, METRICS, RECIPE, STOPPED
from configs.load import load
from launch.backends import JobState
from launch.jobs import Stage
from launch.submissions import Submission, newest

if TYPE_CHECKING:
    from pretrain.watch.health import Verdict


@dataclass(frozen=True)
class Progress:
    """Hold how far training is, according to the last line of its log."""

    step: int
    num_steps: int
    loss: float | None  # None if it was not finite
    tokens_per_second: float
    seconds_left: float
    seconds_ago: float  # seconds since the log last grew

    def __str__(self) -> str:
        loss = "not finite" if self.loss is None else f"{self.loss:.3f}"
        shown = f"step {self.step:,}/{self.num_steps:,}  loss {loss}  {self.tokens_per_second:,.0f} tokens/s"
        if self.step == self.num_steps:
            return f"{shown}  complete"
        return f"{shown}  {_duration(self.seconds_left)} left at this rate  logged {_duration(self.seconds_ago)} ago"


@dataclass(frozen=True)
class Status:
    """Hold all that is known about a run or a corpus without training or preparing it."""

    folder: Path
    is_run: bool
    is_complete_corpus: bool
    submission: Submission | None
    jobs: dict[Stage, JobState]
    progress: Progress | None
    stopped_after: int | None
    verdict: Verdict | None

    def lines(self) -> list[str]:
        submission = self.submission
        shown = [f"{self.folder}: on {submission.name}, by submit/{submission.folder.name}"] if submission else []
        shown = shown or [str(self.folder)]
        if submission:
            shown += [f"  {stage:<9} {submission.jobs[stage]:<8} {state.text}" for stage, state in self.jobs.items()]
        elif self.is_run:
            shown.append("  started by hand, or by submit on this machine")
        if self.progress:
            shown.append(f"  {self.progress}")
        elif self.is_run:
            shown.append("  nothing is logged yet")
        shown += [f"  {line}" for line in (self.verdict.lines() if self.verdict else ())]
        if self.stopped_after is not None:
            shown.append(f"  stopped after step {self.stopped_after:,}; the same command resumes from there")
        if self.is_complete_corpus:
            shown.append("  the corpus is complete")
        return shown

    def facts(self) -> dict[str, Any]:
        """Return the values of `electra --json status`, whose keys docs/output.md lists."""
        submission = self.submission
        return {
            "folder": str(self.folder),
            "corpus_is_complete": self.is_complete_corpus,
            "machine": submission.name if submission else None,
            "submission": submission.folder.name if submission else None,
            "jobs": [
                {"stage": str(stage), "id": submission.jobs[stage], "state": state.kind, "text": state.text}
                for stage, state in self.jobs.items()
            ]
            if submission
            else [],
            "progress": asdict(self.progress) if self.progress else None,
            "stopped_after": self.stopped_after,
            "health": self.verdict.facts() if self.verdict else None,
        }


def status(folder: Path) -> Status:
    """Read the folder of a run or a corpus. Raises UserError for any other folder."""
    from pretrain.watch.history import health_of

    submission = newest(folder)
    run = (folder / RECIPE).is_file()
    corpus = (folder / CORPUS_MANIFEST).is_file()
    if not (submission or run or corpus):
        raise UserError(f"{folder}: holds no run, and nothing was submitted for it")
    return Status(
        folder,
        run,
        corpus,
        submission,
        states(submission) if submission else {},
        progress(folder) if run else None,
        read_json(folder / STOPPED)["step"] if (folder / STOPPED).is_file() else None,
        health_of(folder) if run else None,
    )


def lines(folder: Path) -> list[str]:
    """Return the lines that describe a run or a corpus. Raises UserError for any other folder."""
    return status(folder).lines()


def states(submission: Submission) -> dict[Stage, JobState]:
    """Return the state of each job: what the scheduler says, or else what the exit code in the folder tells."""
    return {
        stage: state if state.kind != "unknown" else _left_behind(submission, stage, state)
        for stage, state in submission.states().items()
    }


def progress(run: Path) -> Progress | None:
    """Return how far training is, or None before its first line in the log."""
    from pretrain.run.logs import read_metrics

    training = [line for line in read_metrics(run) if line["kind"] == "training" and line.get("rows_per_second")]
    if not training:
        return None
    recipe, last = load(str(run / RECIPE)), training[-1]
    num_steps = recipe.schedule.steps
    rows_left = recipe.batch.rows_before(num_steps) - recipe.batch.rows_before(last["step"])
    seconds_left = rows_left / last["rows_per_second"]
    ago = max(0.0, time.time() - (run / METRICS).stat().st_mtime)
    return Progress(last["step"], num_steps, last["loss"], last["tokens_per_second"], seconds_left, ago)


def newest_log(folder: Path, stage: Stage | None) -> list[Path] | list[str]:
    """Return the logs of a stage, by default of the last stage that has printed something.

    For a backend without log files, return the commands that show the logs, by default for all stages. Raises UserError
    if there is no log.
    """
    submission = newest(folder)
    if not submission:
        raise UserError(f"{folder}: was not submitted to a cluster, so its output is where it was started")
    if stage and stage not in submission.jobs:
        raise UserError(f"--stage {stage}: was not submitted; there is {', '.join(submission.jobs)}")
    logs_of_stages = [submission.logs(chosen) for chosen in ([stage] if stage else submission.jobs)]
    commands = [log for logs in logs_of_stages for log in logs if isinstance(log, str)]
    if printed := list(dict.fromkeys(commands)) or next(filter(None, reversed(logs_of_stages)), []):
        return printed
    raise UserError(f"{submission.folder}: no job has printed anything yet; electra status {folder} says why")


def tail(path: Path, count: int) -> Iterator[str]:
    with open(path, errors="replace") as file:
        yield from file.readlines()[-count:]


def left_with(submission: Submission, stage: Stage) -> str | None:
    """Return the exit code that the job's script has stored. It is None while the job runs, or if it was killed."""
    path = submission.folder / f"{stage}.exit"
    return path.read_text().strip() if path.is_file() else None


def _left_behind(submission: Submission, stage: Stage, state: JobState) -> JobState:
    code = left_with(submission, stage)
    return JobState("done" if code == "0" else "failed", f"left with exit code {code}") if code else state


def _duration(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
