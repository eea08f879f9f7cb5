"""Progress of a preparation: a bar on a terminal, a line every half minute elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from datatrove.pipeline.base import PipelineStep
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from configs.common import json_lines
from data_prep.document import SourceDocument
from data_prep.sources.ranges import Range

_LINE_EVERY_SECONDS = 30
_NOTE_EVERY_SECONDS = 2


class NoteProgress(PipelineStep):
    """Passes the documents of a task on, and writes into a file how many bytes of text they had so far.

    The count is a file because the process that shows the progress may run on another machine.
    """

    type = "PROGRESS"
    name = "bytes so far"

    def __init__(self, folder: Path):
        super().__init__()
        self.folder = folder

    def run(self, data: Iterable[SourceDocument], rank: int = 0, world_size: int = 1) -> Iterator[SourceDocument]:  # type: ignore[override]  this step is never the first
        done, due = 0, 0.0
        for document in data:
            if time.monotonic() >= due:
                (self.folder / f"{rank:05d}").write_text(str(done))
                due = time.monotonic() + _NOTE_EVERY_SECONDS
            yield document
            done += document.num_bytes


@contextmanager
def watch(folders: list[Path], tasks: list[list[Range]]) -> Iterator[None]:
    """Show, while the block runs, how many bytes of text the tasks have read, in whichever process they run.

    Each of `folders` holds the completion marks and the notes of one pass over all text.
    """
    task_bytes = [sum(piece.text_bytes for piece in task) for task in tasks]
    stop = threading.Event()
    show = _bar if Console(stderr=True).is_interactive and not json_lines.are_wanted() else _lines
    thread = threading.Thread(target=show, args=(folders, task_bytes, stop), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _bytes_read(folders: list[Path], task_bytes: list[int]) -> int:
    # The process that completes the corpus removes the folder.
    if not folders[-1].is_dir():
        return len(folders) * sum(task_bytes)
    return sum(_bytes_read_in(folder, task_bytes) for folder in folders)


def _bytes_read_in(folder: Path, task_bytes: list[int]) -> int:
    """Bytes of text: all of a task that has a completion mark, and the count in the note of any other task."""
    done = {int(note.name): int(note.read_text() or 0) for note in (folder / "progress").glob("[0-9]*")}
    done |= {int(mark.name): task_bytes[int(mark.name)] for mark in (folder / "completions").glob("[0-9]*")}
    return sum(min(count, task_bytes[number]) for number, count in done.items())


def _bar(folders: list[Path], task_bytes: list[int], stop: threading.Event) -> None:
    columns = (TextColumn("preparing"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task("", total=len(folders) * sum(task_bytes), completed=_bytes_read(folders, task_bytes))
        while not stop.wait(0.5):
            progress.update(bar, completed=_bytes_read(folders, task_bytes))
        progress.update(bar, completed=_bytes_read(folders, task_bytes))


def _lines(folders: list[Path], task_bytes: list[int], stop: threading.Event) -> None:
    total, began = len(folders) * sum(task_bytes), time.monotonic()
    at_start = _bytes_read(folders, task_bytes)
    while not stop.wait(_LINE_EVERY_SECONDS):
        done = _bytes_read(folders, task_bytes)
        rate = (done - at_start) / (time.monotonic() - began)
        seconds_left = (total - done) / rate if rate > 0 else None
        json_lines.write("progress", bytes=done, total_bytes=total, bytes_per_second=rate, seconds_left=seconds_left)
        left = "no task has started yet" if seconds_left is None else f"{seconds_left:.0f} s left"
        print(
            f"prepared {done / 1e6:.1f} of {total / 1e6:.1f} MB of text, {rate / 1e6:.2f} MB/s, {left}",
            file=sys.stderr,
            flush=True,
        )
