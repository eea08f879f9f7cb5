"""Jobs of this machine: the process that submits becomes them, one after the other."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Sequence

from launch.jobs import Job, Stage
from launch.machines import Local


def render(job: Job, machine: Local) -> str:
    """The command, as it can be typed."""
    return shlex.join(command(job, machine))


def command(job: Job, machine: Local) -> list[str]:
    if job.stage is Stage.prepare:  # a share of one goes on, and is content with a corpus that is complete
        return [sys.executable, *job.command(), "--task", "0/1"]
    if job.stage is not Stage.pretrain:
        return [sys.executable, *job.command()]
    if machine.launcher == "deepspeed":
        return _deepspeed(job, machine)
    return [sys.executable, *job.torchrun("--standalone")]


def become(jobs: Sequence[Job], machine: Local) -> None:
    """Do the jobs one after the other, the last in place of this process: signals reach it, its exit code is ours."""
    os.environ.update(machine.environment)
    for job in jobs[:-1]:
        if code := _run(command(job, machine)):
            sys.exit(code)
    last = jobs[-1]
    if last.processes and last.stage is Stage.pretrain:
        os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // last.processes)))
    job = command(last, machine)
    os.execv(job[0], job)


def _deepspeed(job: Job, machine: Local) -> list[str]:
    layout = ["--hostfile", machine.hostfile or "", "--num_nodes", str(job.nodes)]
    layout += ["--num_gpus", str(job.processes)] if job.processes else []
    # It would add --local_rank to our arguments, which stands in the environment as well.
    layout += ["--no_local_rank", "--module", job.stage.room]
    return [sys.executable, "-m", "deepspeed.launcher.runner", *layout, job.stage, *job.arguments]


def _run(arguments: list[str]) -> int:
    """Its exit code. What this process is asked, the child is asked; a terminal asks both by itself."""
    with subprocess.Popen(arguments) as child:
        handlers = {signal.SIGINT: signal.SIG_IGN}
        handlers |= dict.fromkeys((signal.SIGTERM, signal.SIGUSR1), lambda number, _: child.send_signal(number))
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        try:
            return child.wait()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
