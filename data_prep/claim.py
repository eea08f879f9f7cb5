"""The claim on a corpus folder: either one process works in it alone, or several processes share the tasks."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from configs.common.errors import Unfinished, UserError
from configs.common.files import make_folder, read_json, write_json
from configs.common.locks import Lock, locked
from configs.folders import CORPUS_MANIFEST, SUBMITTED, WORK
from configs.recipe import differences


def is_complete(out: Path) -> bool:
    """Return whether the folder holds a complete corpus.

    The folder is listed, because a shared file system may report for a minute that a new file does not exist.
    """
    return out.is_dir() and any(path.name == CORPUS_MANIFEST for path in out.iterdir())


@contextmanager
def claimed(out: Path, wanted: dict[str, Any], *, alone: bool) -> Iterator[Lock]:
    """Claim the output folder, which is new, empty, or holds an unfinished corpus with the same plan.

    Yields the lock, so that the caller can make it exclusive. Raises UserError when the folder holds other files or
    another plan, or when another process holds it and `alone` is set. A process that wants to share (`alone` is false)
    waits for a process that works alone; the corpus may be complete after the wait.
    """
    if out.exists() and not out.is_dir():
        raise UserError(f"{out}: is a file; name a folder")
    others = [path for path in out.iterdir() if path.name != SUBMITTED] if out.is_dir() else []
    if others and not (out / WORK).is_dir():
        raise UserError(f"{out}: is not empty and holds no unfinished corpus; name a new folder")
    make_folder(out)
    make_folder(out / WORK)
    with Lock(out / WORK / "lock") as lock:
        _hold(lock, out, alone=alone)
        if not is_complete(out):
            _agree(out, wanted)
        yield lock


def _hold(lock: Lock, out: Path, *, alone: bool) -> None:
    if not lock.try_acquire(shared=not alone):
        if alone:
            raise UserError(f"{out}: another process is preparing it")
        print(f"{out}: waiting for the process that prepares it alone, or completes it", file=sys.stderr, flush=True)
        lock.acquire(shared=True)
    if not out.exists():
        raise Unfinished(f"{out}: the process that prepared it has removed it; the same command starts again")


def _agree(out: Path, wanted: dict[str, Any]) -> None:
    """Store the plan. If the folder already holds a plan, raise UserError when it differs."""
    plan_file = out / WORK / "plan.json"
    with locked(out / WORK / "plan.lock"):
        if not plan_file.exists():
            write_json(plan_file, wanted)
        for key, stored_value, new_value in differences(read_json(plan_file), wanted):
            raise UserError(
                f"{out}: holds an unfinished corpus with {key} = {stored_value!r}, and now it is {new_value!r}; "
                "name another folder, or delete it"
            )
