"""The lines of `electra --json`: each is a JSON object on stdout with a `kind`. All other output goes to stderr."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any, TextIO

OPTION = "--json"
_stdout: TextIO | None = None


@contextmanager
def on_stdout() -> Iterator[None]:
    """Until the block ends, `write` writes to stdout, and stderr receives whatever else is printed to stdout.

    The file descriptor is exchanged too, and not only `sys.stdout`, because child processes and libraries in C print.
    """
    global _stdout
    sys.stdout.flush()
    descriptor = os.dup(1)
    os.dup2(2, 1)
    try:
        with open(descriptor, "w", encoding="utf-8", closefd=False) as _stdout, redirect_stdout(sys.stderr):
            yield
    finally:
        _stdout = None
        os.dup2(descriptor, 1)
        os.close(descriptor)


def are_wanted() -> bool:
    return _stdout is not None


def are_on_a_terminal() -> bool:
    """Whether a person sees the lines, so that nothing else may be drawn there."""
    return _stdout is not None and _stdout.isatty()


def stdout() -> TextIO | None:
    """Return the stdout for a child process that writes lines itself, or None for the stdout that it inherits."""
    return _stdout


def write(kind: str, **values: Any) -> None:
    """Write one line, if lines are wanted. A number that is not finite becomes null, which JSON can express."""
    if _stdout:
        _stdout.write(json.dumps({"kind": kind} | _finite(values), allow_nan=False) + "\n")
        _stdout.flush()


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
