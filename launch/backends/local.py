"""This backend does jobs on this machine, one after the other. The submitting process becomes the last job."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence

from launch.jobs import Job, Stage
from launch.machines import Local


def render(job: Job, machine: Local) -> str:
    """Return the command of a job as a user can type it."""
    return shlex.join(command(job, machine))


def command(job: Job, machine: Local) -> list[str]:
    # The single share 0/1 continues an unfinished corpus and accepts a complete corpus.
    if job.stage is Stage.prepare:
        return [sys.executable, *job.command(), "--task", "0/1"]
    if job.stage is not Stage.pretrain:
        return [sys.executable, *job.command()]
    if machine.launcher == "deepspeed":
        return _deepspeed(job, machine)
    return [sys.executable, *job.torchrun("--standalone")]


def environment(job: Job, machine: Local) -> dict[str, str]:
    """Return the environment variables of a job. The processes of a run divide the cores of this machine."""
    threads: dict[str, str] = {}
    if job.processes and job.stage is Stage.pretrain and "OMP_NUM_THREADS" not in os.environ:
        threads["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) // job.processes))
    return threads | machine.environment


def become(jobs: Sequence[Job], machine: Local) -> None:
    """Do the jobs one after the other.

    The last job takes the place of this process, so that signals reach it and its exit code becomes ours.
    """
    for job in jobs[:-1]:
        if code := _run(command(job, machine), os.environ | environment(job, machine)):
            sys.exit(code)
    last = command(jobs[-1], machine)
    os.execve(last[0], last, os.environ | environment(jobs[-1], machine))


def _deepspeed(job: Job, machine: Local) -> list[str]:
    layout = ["--hostfile", machine.hostfile or "", "--num_nodes", str(job.nodes)]
    layout += ["--num_gpus", str(job.processes)] if job.processes else []
    # --no_local_rank keeps DeepSpeed from adding --local_rank to our arguments. The environment holds the same number.
    layout += ["--no_local_rank", "--module", job.stage.room]
    return [sys.executable, "-m", "deepspeed.launcher.runner", *layout, job.stage, *job.arguments]


def _run(arguments: list[str], environment: Mapping[str, str]) -> int:
    """Run a command as a child process and return its exit code.

    SIGTERM and SIGUSR1 are passed on to the child. SIGINT is not, because a terminal sends Ctrl-C to both processes.
    """
    with subprocess.Popen(arguments, env=environment) as child:
        handlers = {signal.SIGINT: signal.SIG_IGN}
        handlers |= dict.fromkeys((signal.SIGTERM, signal.SIGUSR1), lambda number, _: child.send_signal(number))
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        try:
            return child.wait()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
