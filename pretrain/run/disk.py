"""What a run does when the disk is full.

The file being written is removed, earlier checkpoints are kept, and the same command resumes later.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from configs.common.errors import Unfinished
from configs.common.files import DISK_IS_FULL
from pretrain.run import checkpoint
from pretrain.run.folder import RunFolder


@contextmanager
def on_a_full_disk(run: RunFolder, num_bytes: int) -> Iterator[None]:
    """Turn the error of a full disk into Unfinished. A checkpoint of the run takes about `num_bytes`."""
    try:
        with _quiet_threads():
            yield
    except OSError as error:
        if error.errno not in DISK_IS_FULL:
            raise
        if run.world.is_main:
            checkpoint.clean(run.checkpoints)
        kept = checkpoint.list_checkpoints(run.checkpoints)
        raise Unfinished(
            f"{run.folder}: the disk is full, and a checkpoint takes about {num_bytes / 1e6:,.1f} MB; with room for "
            f"it, the same command resumes from {kept[-1].name if kept else 'the beginning'}"
        ) from None


@contextmanager
def _quiet_threads() -> Iterator[None]:
    """Hide the traceback when TensorBoard's thread finds the disk full. Our own next write raises the same error."""
    before = threading.excepthook

    def unless_full(raised: threading.ExceptHookArgs) -> None:
        if not (isinstance(raised.exc_value, OSError) and raised.exc_value.errno in DISK_IS_FULL):
            before(raised)

    threading.excepthook = unless_full
    try:
        yield
    finally:
        threading.excepthook = before
