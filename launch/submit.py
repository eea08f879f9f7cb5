"""`electra submit`: the same recipe, started as a job. A machine is a named way to start one."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from configs.errors import UserError, nearest
from configs.recipe import Recipe
from data_prep.shards import Corpus, match_corpus

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
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    # A warning that it does not handle ends torchrun and leaves its processes behind.
    torchrun += ["--signals-to-handle=SIGTERM,SIGINT,SIGHUP,SIGQUIT,SIGUSR1"]
    # Asked to stop, the processes finish a step and save; torchrun would kill them after 30 seconds.
    torchrun += [f"--nproc-per-node={processes or 'auto'}", "--shutdown-timeout=300"]
    # The two dashes keep torchrun from reading --run as an abbreviation of its own --run-path.
    return [*torchrun, "-m", "--", "pretrain", "pretrain", *arguments]


def submit(
    arguments: Sequence[str],
    recipe: Recipe | None,
    corpus: Path,
    machine: str,
    nodes: int,
    processes: int | None,
    *,
    dry_run: bool,
) -> None:
    """Become the job, or with `dry_run` print its command. Raises UserError for a corpus that does not fit the recipe.

    None: a recipe that is complete only with a released model.
    """
    job = command(arguments, machine, nodes, processes)
    if dry_run:
        print(shlex.join(job))
        return
    opened = Corpus(corpus)
    if recipe:
        match_corpus(recipe, opened)
    if processes:
        os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // processes)))
    # In place of this process: signals reach torchrun, and its exit code is ours.
    os.execv(job[0], job)
