"""Warnings and notes of the libraries. They are for developers, so commands hide them unless --verbose is given."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

OPTION = "--verbose"
# The variable also tells the processes that a command starts.
VERBOSE = "ELECTRA_VERBOSE"


def is_wanted() -> bool:
    return VERBOSE in os.environ


@contextmanager
def verbose() -> Iterator[None]:
    """Until the block ends, this process and those that it starts hide nothing."""
    before = os.environ.get(VERBOSE)
    os.environ[VERBOSE] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[VERBOSE]


@contextmanager
def quiet() -> Iterator[None]:
    """Until the block ends, hide Python's warnings, and what is logged below an error, unless the user asks for it.

    Warnings that the user has chosen by `python -W` or PYTHONWARNINGS are shown. Our own warnings are sentences, and
    use neither way.
    """
    if is_wanted():
        yield
        return
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            if not sys.warnoptions:
                warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
