"""How far the tasks are: a bar on a terminal, a line every half minute elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

_LINE_EVERY_SECONDS = 30


@contextmanager
def watch(completions: Path, task_bytes: list[int]) -> Iterator[None]:
    """Show, while the block runs, how many input bytes the finished tasks had; datatrove leaves a file for each."""
    stop = threading.Event()
    show = _bar if Console(stderr=True).is_terminal else _lines
    thread = threading.Thread(target=show, args=(completions, task_bytes, stop), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _done(completions: Path, task_bytes: list[int]) -> int:
    return sum(task_bytes[int(mark.name)] for mark in completions.glob("[0-9]*"))


def _bar(completions: Path, task_bytes: list[int], stop: threading.Event) -> None:
    columns = (TextColumn("preparing"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task("", total=sum(task_bytes))
        while not stop.wait(0.2):
            progress.update(bar, completed=_done(completions, task_bytes))
        progress.update(bar, completed=_done(completions, task_bytes))


def _lines(completions: Path, task_bytes: list[int], stop: threading.Event) -> None:
    total, began = sum(task_bytes), time.monotonic()
    at_start = _done(completions, task_bytes)
    while not stop.wait(_LINE_EVERY_SECONDS):
        done = _done(completions, task_bytes)
        rate = (done - at_start) / (time.monotonic() - began)
        left = f"{(total - done) / rate:.0f} s left" if rate else "no task has finished yet"
        print(f"prepared {done / 1e6:.1f} of {total / 1e6:.1f} MB, {rate / 1e6:.2f} MB/s, {left}", flush=True)
