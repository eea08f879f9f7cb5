"""How far the tasks are: a bar on a terminal, a line every half minute elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from datatrove.data import Document
from datatrove.pipeline.base import PipelineStep
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from data_prep.sources.ranges import Range

_LINE_EVERY_SECONDS = 30
_NOTE_EVERY_SECONDS = 2


class NoteProgress(PipelineStep):
    """Passes the documents of a task on, and notes in a file how many bytes they had so far.

    A file, because it may be on another machine that somebody watches.
    """

    type = "PROGRESS"
    name = "bytes so far"

    def __init__(self, folder: Path):
        super().__init__()
        self.folder = folder

    def run(self, data: Iterable[Document], rank: int = 0, world_size: int = 1) -> Iterator[Document]:  # type: ignore[override]  a reader stands before it
        done, due = 0, 0.0
        for document in data:
            if time.monotonic() >= due:
                (self.folder / f"{rank:05d}").write_text(str(done))
                due = time.monotonic() + _NOTE_EVERY_SECONDS
            yield document
            done += document.metadata["bytes"]


@contextmanager
def watch(folders: list[Path], tasks: list[list[Range]]) -> Iterator[None]:
    """Show, while the block runs, how many bytes of text the tasks have done, whoever does them.

    All text is read once for each folder, where its marks and notes are.
    """
    task_bytes = [sum(piece.text_bytes for piece in task) for task in tasks]
    stop = threading.Event()
    show = _bar if Console(stderr=True).is_terminal else _lines
    thread = threading.Thread(target=show, args=(folders, task_bytes, stop), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _done(folders: list[Path], task_bytes: list[int]) -> int:
    if not folders[-1].is_dir():  # the corpus is complete, and the process that completed it has cleared up
        return len(folders) * sum(task_bytes)
    return sum(_done_in(folder, task_bytes) for folder in folders)


def _done_in(folder: Path, task_bytes: list[int]) -> int:
    """Finished tasks count as a whole (datatrove leaves a file for each), others by their note."""
    done = {int(note.name): int(note.read_text() or 0) for note in (folder / "progress").glob("[0-9]*")}
    done |= {int(mark.name): task_bytes[int(mark.name)] for mark in (folder / "completions").glob("[0-9]*")}
    return sum(min(count, task_bytes[number]) for number, count in done.items())


def _bar(folders: list[Path], task_bytes: list[int], stop: threading.Event) -> None:
    columns = (TextColumn("preparing"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task("", total=len(folders) * sum(task_bytes), completed=_done(folders, task_bytes))
        while not stop.wait(0.5):
            progress.update(bar, completed=_done(folders, task_bytes))
        progress.update(bar, completed=_done(folders, task_bytes))


def _lines(folders: list[Path], task_bytes: list[int], stop: threading.Event) -> None:
    total, began = len(folders) * sum(task_bytes), time.monotonic()
    at_start = _done(folders, task_bytes)
    while not stop.wait(_LINE_EVERY_SECONDS):
        done = _done(folders, task_bytes)
        rate = (done - at_start) / (time.monotonic() - began)
        left = f"{(total - done) / rate:.0f} s left" if rate > 0 else "nothing is being done yet"
        print(
            f"prepared {done / 1e6:.1f} of {total / 1e6:.1f} MB of text, {rate / 1e6:.2f} MB/s, {left}",
            file=sys.stderr,
            flush=True,
        )
