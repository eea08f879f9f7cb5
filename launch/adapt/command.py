"""`electra adapt`: checks, then the parts, then the page."""

from __future__ import annotations

import sys

from rich.console import Console

from configs.common import json_lines
from configs.common.cli import say_error
from configs.common.pages.rendering import duration
from launch.adapt.checks import Checked, check
from launch.adapt.estimate import seconds_of_parts
from launch.adapt.execution import PartFailed, execute, say
from launch.adapt.order import Order
from launch.adapt.page import write_page
from launch.adapt.parts import Part, parts_of
from launch.adapt.record import Record
from launch.processes import locked
from pretrain.run.signals import StopOnSignal


def plan(order: Order) -> None:
    """Print the parts with their commands, and how long they will take on this machine. Nothing is written.

    Raises UserError as `adapt` does.
    """
    Record(order.out)
    checked = check(order)
    parts, console = _parts(order, checked), Console()
    seconds = seconds_of_parts(order, checked, parts)
    for number, part in enumerate(parts, 1):
        say(console, f"[{number}/{len(parts)}] {part.name}: {part.title}; about {duration(seconds[part.name])}")
        say(console, f"$ {part.command}\n")
    say(
        console,
        f"together about {duration(sum(seconds.values()))}: an estimate, from short measurements on this machine at "
        "this moment; nothing was written",
    )


def adapt(order: Order) -> None:
    """Execute every part that is not finished, and write the page.

    Raises UserError for bad input before the first part begins, and Unfinished when a stop was requested. Exits with
    the code of a part that failed.
    """
    console = Console()
    with StopOnSignal() as stop:
        Record(order.out)  # refuses a folder that holds anything else
        checked = check(order)
        parts = _parts(order, checked)
        with locked(order.out, stop.asked) as lock:
            record = Record(order.out)
            try:
                execute(parts, record, lock, stop.asked, console)
            except PartFailed as failure:
                say_error(str(failure), failure.exit_code)
                sys.exit(failure.exit_code)
            write_page(order, checked, parts, record)
        json_lines.write("adaptation", folder=str(order.out), page=str(order.page))
        say(console, f"\n{order.page}: the inputs, the results and the commands")


def _parts(order: Order, checked: Checked) -> list[Part]:
    return parts_of(order, tests_with_model=checked.tests_with_model, detects=checked.detects)
