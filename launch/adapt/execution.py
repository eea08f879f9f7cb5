"""The parts are executed one after the other, each as a process of its own. A request to stop is passed on to it."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

from rich.console import Console

from configs.common import json_lines
from configs.common.errors import EXIT_UNFINISHED, EXIT_USER_ERROR, Unfinished
from configs.common.files import remove_folder
from configs.common.locks import Lock
from launch.adapt.parts import Part
from launch.adapt.record import Record
from launch.processes import Asked, run


class PartFailed(Exception):
    """A part ended with a code that means neither finished nor stopped. It has printed the reason."""

    def __init__(self, part: Part, code: int):
        super().__init__(f"the part {part.name} ended with exit code {code}; the same command resumes with it")
        self.exit_code = EXIT_USER_ERROR if code == EXIT_USER_ERROR else 1


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
        options = [json_lines.OPTION] if json_lines.are_wanted() else []
        command = [sys.executable, "-m", "launch.cli", *options, *part.arguments]
        code = run(command, lock, asked_to_stop, stdout=json_lines.stdout())
        _end_of(part, code, asked_to_stop())
        record.finish(part, time.monotonic() - began)
        json_lines.write("part", **facts, state="finished")


def say(console: Console, line: str) -> None:
    console.print(line, highlight=False, markup=False, soft_wrap=True)


def _end_of(part: Part, code: int, was_asked: bool) -> None:
    if code == EXIT_UNFINISHED or (code and was_asked):
        raise Unfinished(f"stopped in the part {part.name}; the same command resumes there")
    if code:
        raise PartFailed(part, code)
