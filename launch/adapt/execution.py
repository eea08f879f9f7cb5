"""The parts are executed one after the other, each as a process of its own. A request to stop is passed on to it."""

from __future__ import annotations

import ctypes
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from configs.common import json_lines
from configs.common.errors import EXIT_UNFINISHED, EXIT_USER_ERROR, Unfinished
from configs.common.files import make_folder, remove_folder
from configs.common.locks import Lock
from configs.folders import LOCK
from launch.adapt.parts import Part
from launch.adapt.record import Record

Asked = Callable[[], bool]
_POLL_SECONDS = 0.2
# The option of Linux's prctl that names a signal for the death of the parent.
_PR_SET_PDEATHSIG = 1


class PartFailed(Exception):
    """A part ended with a code that means neither finished nor stopped. It has printed the reason."""

    def __init__(self, part: Part, code: int):
        super().__init__(f"the part {part.name} ended with exit code {code}; the same command resumes with it")
        self.exit_code = EXIT_USER_ERROR if code == EXIT_USER_ERROR else 1


@contextmanager
def locked(out: Path, asked_to_stop: Asked) -> Iterator[Lock]:
    """Hold the lock of the folder. While another adaptation works there, or one of its parts still saves, wait."""
    make_folder(out)
    with Lock(out / LOCK) as lock:
        waits = False
        while not lock.try_acquire():
            if asked_to_stop():
                raise Unfinished(f"{out}: stopped while another process works there")
            if not waits:
                print(f"{out}: another process works there; waiting for it", file=sys.stderr, flush=True)
            waits = True
            time.sleep(_POLL_SECONDS)
        yield lock


def execute(parts: Sequence[Part], record: Record, lock: Lock, asked_to_stop: Asked, console: Console) -> None:
    """Execute the parts that are not finished.

    Raises Unfinished if a stop was requested, PartFailed if a part ended otherwise than finished, and UserError if the
    results of the parts before are of no use to a part.
    """
    for number, part in enumerate(parts, 1):
        if asked_to_stop():
            raise Unfinished(f"stopped before the part {part.name}; the same command resumes there")
        say(console, f"\n[{number}/{len(parts)}] {part.name}: {part.title}")
        facts = {"name": part.name, "number": number, "parts": len(parts), "output": str(part.output)}
        if record.is_finished(part):
            say(console, f"is finished: {part.output}")
            json_lines.write("part", **facts, state="skipped")
            continue
        part.check()
        json_lines.write("part", **facts, state="started")
        say(console, f"$ {part.command}")
        if part.repeats and part.output.is_dir():
            remove_folder(part.output)
        record.begin(part)
        began = time.monotonic()
        _end_of(part, _run(part.arguments, lock, asked_to_stop), asked_to_stop())
        record.finish(part, time.monotonic() - began)
        json_lines.write("part", **facts, state="finished")


def say(console: Console, line: str) -> None:
    console.print(line, highlight=False, markup=False, soft_wrap=True)


def _end_of(part: Part, code: int, was_asked: bool) -> None:
    if code == EXIT_UNFINISHED or (code and was_asked):
        raise Unfinished(f"stopped in the part {part.name}; the same command resumes there")
    if code:
        raise PartFailed(part, code)


def _run(arguments: Sequence[str], lock: Lock, asked_to_stop: Asked) -> int:
    """Run `electra` with these arguments and return its exit code.

    The process is in a session of its own, so that Ctrl-C reaches it only once, through us. It inherits the lock of the
    folder, which is therefore held until it has ended too.
    """
    options = [json_lines.OPTION] if json_lines.are_wanted() else []
    process = subprocess.Popen(
        [sys.executable, "-m", "launch.cli", *options, *arguments],
        stdout=json_lines.stdout(),
        start_new_session=True,
        preexec_fn=_stop_with_parent,
        pass_fds=(lock.fileno(),),
    )
    is_told = False
    while True:
        try:
            return process.wait(_POLL_SECONDS)
        except subprocess.TimeoutExpired:
            if asked_to_stop() and not is_told:
                process.send_signal(signal.SIGINT)
                is_told = True


def _stop_with_parent() -> None:
    """Let the operating system send this process SIGTERM when its parent dies, so that a part saves and ends.

    On systems other than Linux, the part runs to its end, and the lock keeps a second adaptation waiting.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
