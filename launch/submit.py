"""`electra submit`: the same recipe, started as a job. A machine is a named way to start one."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Sequence

from configs.errors import UserError, nearest

# Only this machine, through torchrun. Clusters are machines with other backends.
MACHINES = ("local",)


def command(arguments: Sequence[str], machine: str, nodes: int, processes: int | None) -> list[str]:
    """What starts `pretrain` with `arguments` on a machine; raises UserError for one that is not there.

    `processes` None: one for each GPU of the node, or for each core where there is none.
    """
    if machine not in MACHINES:
        raise UserError(
            f"--on {machine}: no such machine{nearest(machine, MACHINES) or '; there is ' + ', '.join(MACHINES)}"
        )
    if nodes != 1:
        raise UserError(f"--nodes {nodes}: the machine local is one node")
    torchrun = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        f"--nproc-per-node={processes or 'auto'}",
    ]
    # The two dashes keep torchrun from reading --run as an abbreviation of its own --run-path.
    return [*torchrun, "-m", "--", "pretrain", "pretrain", *arguments]


def submit(arguments: Sequence[str], machine: str, nodes: int, processes: int | None, *, dry_run: bool) -> int:
    """Start the job and wait for it, or with `dry_run` print its command. Returns its exit code."""
    job = command(arguments, machine, nodes, processes)
    if dry_run:
        print(shlex.join(job))
        return 0
    return subprocess.run(job).returncode
