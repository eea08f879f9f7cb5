"""Who may work in the folder of a corpus: one process alone, or several that share the tasks.

The locks are the system's own (flock): it lets go of them for a process that is killed, on other machines too where
the folder is a shared one.
"""

from __future__ import annotations

import fcntl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from configs.common.errors import Unfinished, UserError
from configs.common.files import make_folder, read_json, write_json
from configs.folders import SUBMITTED
from configs.recipe import differences
from data_prep.manifest import MANIFEST

# What is not part of the corpus: the plan, the locks, datatrove's marks of finished tasks, and their reports.
WORK = ".prepare"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock of its own for the block, once everybody before has let go of it."""
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def is_complete(out: Path) -> bool:
    """By listing: a shared folder may remember for a minute that a file was not there."""
    return out.is_dir() and any(path.name == MANIFEST for path in out.iterdir())


@contextmanager
def claimed(out: Path, wanted: dict[str, Any], *, alone: bool) -> Iterator[IO[str]]:
    """Hold the output folder: new, empty, or unfinished with the same plan. Gives the lock, for `wait_until_alone`.

    Raises UserError where the folder is somebody else's. Who wants to share waits for a process that is alone; the
    corpus may be complete then.
    """
    if out.exists() and not out.is_dir():
        raise UserError(f"{out}: is a file; name a folder")
    others = [path for path in out.iterdir() if path.name != SUBMITTED] if out.is_dir() else []
    if others and not (out / WORK).is_dir():
        raise UserError(f"{out}: is not empty and holds no unfinished corpus; name a new folder")
    make_folder(out)
    make_folder(out / WORK)
    with open(out / WORK / "lock", "w") as lock:
        _hold(lock, out, alone=alone)
        if not is_complete(out):
            _agree(out, wanted)
        yield lock


def _hold(lock: IO[str], out: Path, *, alone: bool) -> None:
    try:
        fcntl.flock(lock, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        if alone:
            raise UserError(f"{out}: another process is preparing it") from None
        print(f"{out}: waiting for the process that prepares it alone, or completes it", file=sys.stderr, flush=True)
        fcntl.flock(lock, fcntl.LOCK_SH)
    if not out.exists():
        raise Unfinished(f"{out}: the process that prepared it has removed it; the same command begins anew")


def wait_until_alone(lock: IO[str]) -> None:
    """From sharing to holding alone, in two steps: where flock is made of other locks, two who ask in one step wait
    for each other.
    """
    fcntl.flock(lock, fcntl.LOCK_UN)
    fcntl.flock(lock, fcntl.LOCK_EX)


def _agree(out: Path, wanted: dict[str, Any]) -> None:
    """Store the plan, or compare it with the one that is stored."""
    plan_file = out / WORK / "plan.json"
    with locked(out / WORK / "plan.lock"):
        if not plan_file.exists():
            write_json(plan_file, wanted)
        for key, theirs, ours in differences(read_json(plan_file), wanted):
            raise UserError(
                f"{out}: holds an unfinished corpus with {key} = {theirs!r}, and now it is {ours!r}; "
                "name another folder, or delete it"
            )
