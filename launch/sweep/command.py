"""`electra sweep`: checks, then the runs, then the tables and the page."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from configs.common import json_lines
from configs.common.cli import say_error
from configs.common.errors import EXIT_USER_ERROR
from configs.common.files import make_folder, write_json, write_text
from configs.common.pages.figures import require_matplotlib
from launch.follow import follow
from launch.machines import Local, Machine, find
from launch.processes import locked
from launch.refusals import refuse_batch, refuse_layout, refuse_unshared
from launch.sweep.comparison import compare, to_dict
from launch.sweep.definition import Sweep, Trial, read_sweep
from launch.sweep.estimate import Speed, estimate_lines, speed_here, speed_on
from launch.sweep.execution import submit_all, train_here
from launch.sweep.page import page
from launch.sweep.progress import refuse_other_runs, refuse_other_things
from launch.sweep.table import text
from pretrain.run.signals import StopOnSignal

PAGE, TEXT = "sweep.html", "sweep.txt"


@dataclass(frozen=True)
class Request:
    """A sweep, the folder of its results, and the place where its runs are trained."""

    file: Path
    out: Path
    name: str  # of the machine
    nodes: int
    processes: int | None
    json: Path | None

    @property
    def machine(self) -> Machine:
        return find(self.name)

    def checked(self) -> Sweep:
        """Read the sweep, and raise UserError for whatever would fail later."""
        require_matplotlib("it draws the page")
        machine = self.machine
        refuse_layout(self.name, machine, self.nodes, self.processes)
        sweep = read_sweep(self.file, self.out, self.nodes, self.processes)
        if processes := self.processes or machine.processes:
            for name in sweep.keys:
                refuse_batch(sweep.recipe(name), self.nodes * processes)
        if not isinstance(machine, Local):
            refuse_unshared(self.out)
        refuse_other_things(self.out, ("runs", PAGE, TEXT))
        refuse_other_runs(sweep)
        return sweep


def plan(request: Request, gpu: str | None) -> None:
    """Print the runs with their FLOPs and an estimate of their time. Nothing is written.

    Raises UserError as `sweep` does.
    """
    sweep, console = request.checked(), Console()
    speed, source = _speed(request, gpu)
    for line in (*estimate_lines(sweep, speed), f"an estimate, {source}; nothing was written"):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def sweep(request: Request, *, watch: bool) -> None:
    """Train every run that is not finished, then write the tables and the page of those that are.

    Raises UserError for bad input before the first run begins, and Unfinished when a stop was requested. If runs failed
    here, the process ends with 2 if each ended with 2, and otherwise with 1.
    """
    machine = request.machine
    if isinstance(machine, Local):
        _end(_here(request, machine))
    else:
        _elsewhere(request, machine, watch=watch)


def _here(request: Request, machine: Local) -> list[tuple[Trial, int]]:
    with StopOnSignal() as stop:
        checked = request.checked()
        with locked(request.out, stop.asked) as lock:
            try:
                return train_here(checked.trials, machine, lock, stop.asked, Console())
            finally:
                _write(request, checked)


def _elsewhere(request: Request, machine: Machine, *, watch: bool) -> None:
    checked = request.checked()
    with locked(request.out, lambda: False):
        submissions = list(submit_all(checked.trials, request.name, machine, Console()))
        _write(request, checked)
    if watch:
        for submission in submissions:
            follow(submission)
        _write(request, checked)


def _write(request: Request, sweep: Sweep) -> None:
    """Write the results so far, and print them."""
    results = compare(sweep)
    printed = text(sweep, results)
    write_text(request.out / TEXT, printed)
    write_text(request.out / PAGE, page(sweep, results))
    if request.json:
        make_folder(request.json.absolute().parent)
        write_json(request.json, to_dict(sweep, results))
    json_lines.write("sweep", folder=str(request.out), page=str(request.out / PAGE), **to_dict(sweep, results))
    print(f"\n{printed}\n{request.out / PAGE}: the tables, the pictures and the commands")


def _end(failed: list[tuple[Trial, int]]) -> None:
    for trial, code in failed:
        say_error(f"{trial.run}: ended with exit code {code}; the same command resumes it", code)
    if failed:
        sys.exit(EXIT_USER_ERROR if all(code == EXIT_USER_ERROR for _, code in failed) else 1)


def _speed(request: Request, gpu: str | None) -> tuple[Speed | None, str]:
    """Return a speed, and where it comes from."""
    machine = request.machine
    if gpu:
        gpus = request.nodes * (request.processes or machine.processes or 1)
        return speed_on(gpu, gpus), f"at the slower end of the range of electra plan for {gpus} x {gpu}"
    if isinstance(machine, Local):
        return speed_here, "measured with one process on this machine at this moment"
    return None, "without times, because --gpu does not say which GPUs the machine has"
