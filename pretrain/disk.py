"""A full disk: what was being written is removed, what was written before is kept, and the same command goes on."""

from __future__ import annotations

import errno
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from configs.errors import Unfinished
from pretrain import checkpoint
from pretrain.run import Run

_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def on_a_full_disk(run: Run, num_bytes: int) -> Iterator[None]:
    """Raises Unfinished when nothing more can be written to the run, whose checkpoints take about `num_bytes`."""
    try:
        with _quiet_threads():
            yield
    except (OSError, RuntimeError) as error:
        if not _says_full(error, run.checkpoints, num_bytes):
            raise
        if run.world.is_main:
            checkpoint.clean(run.checkpoints)
        kept = checkpoint.found(run.checkpoints)
        raise Unfinished(
            f"{run.folder}: the disk is full, and a checkpoint takes about {num_bytes / 1e6:,.1f} MB; with room for "
            f"it, the same command goes on from {kept[-1].name if kept else 'the beginning'}"
        ) from None


@contextmanager
def _quiet_threads() -> Iterator[None]:
    """TensorBoard writes in a thread of its own, and what that one raises is raised in ours again."""
    before = threading.excepthook

    def unless_full(raised: threading.ExceptHookArgs) -> None:
        if not (isinstance(raised.exc_value, OSError) and raised.exc_value.errno in _FULL):
            before(raised)

    threading.excepthook = unless_full
    try:
        yield
    finally:
        threading.excepthook = before


def _says_full(error: OSError | RuntimeError, folder: Path, num_bytes: int) -> bool:
    """torch.save turns what the system refused into a RuntimeError that does not say why, so the system is asked."""
    if isinstance(error, OSError):
        return error.errno in _FULL
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            os.posix_fallocate(file.fileno(), 0, num_bytes)
    except OSError as refusal:
        return refusal.errno in _FULL
    return False
