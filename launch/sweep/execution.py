"""The runs of a sweep are trained one after the other here, or as jobs of another machine."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from rich.console import Console

from configs.common.errors import EXIT_UNFINISHED, Unfinished
from configs.common.locks import Lock
from launch.backends import local
from launch.jobs import Job
from launch.machines import Local, Machine
from launch.processes import Asked, run
from launch.submissions import Submission, newest
from launch.submit import submit
from launch.sweep.definition import Trial
from launch.sweep.progress import finished


def train_here(
    trials: Sequence[Trial], machine: Local, lock: Lock, asked_to_stop: Asked, console: Console
) -> list[tuple[Trial, int]]:
    """Train every run that is not finished, and return those that failed with their exit codes.

    A run that fails does not keep the others waiting, because a rate that is too high is a result of a sweep too.
    Raises Unfinished if a stop was requested.
    """
    failed: list[tuple[Trial, int]] = []
    for number, trial in enumerate(trials, 1):
        if asked_to_stop():
            raise Unfinished(f"stopped before {trial}; the same command resumes there")
        _say(console, f"\n[{number}/{len(trials)}] {trial}")
        if finished(trial):
            _say(console, f"is finished: {trial.run}")
            continue
        job = job_of(trial, machine)
        command = local.command(job, machine)
        _say(console, f"$ {shlex.join(command)}")
        code = run(command, lock, asked_to_stop, local.environment(job, machine))
        if code == EXIT_UNFINISHED or (code and asked_to_stop()):
            raise Unfinished(f"stopped in {trial}; the same command resumes there")
        if code:
            failed.append((trial, code))
    return failed


def job_of(trial: Trial, machine: Machine) -> Job:
    order = trial.order
    (job,) = order.jobs(machine, (order.recipe, *order.overrides), order.corpus, order.run)
    return job


def submit_all(trials: Sequence[Trial], name: str, machine: Machine, console: Console) -> Iterator[Submission]:
    """Submit every run that is not finished and has no job, and yield the submissions of all that are not finished."""
    for trial in trials:
        if finished(trial):
            _say(console, f"{trial}: is finished: {trial.run}")
            continue
        submission = newest(trial.run)
        alive = [state for state in submission.states().values() if state.is_alive] if submission else []
        if not alive:
            submission = submit(trial.order, name, machine, dry_run=False)
        assert submission
        jobs = ", ".join(submission.jobs.values())
        _say(console, f"{trial}: job {jobs} on {submission.name}{', ' + alive[0].text if alive else ''}")
        yield submission


def _say(console: Console, line: str) -> None:
    console.print(line, highlight=False, markup=False, soft_wrap=True)
