"""Warnings and log lines of libraries are hidden, and shown if the user asks for them."""

from __future__ import annotations

import logging
import os
import subprocess
import sys

import pytest

from configs.common import chatter

PROGRAM = """
import contextlib, logging, sys, warnings
from configs.common import chatter

with chatter.verbose() if "verbose" in sys.argv else contextlib.nullcontext(), chatter.quiet():
    warnings.warn("deprecated")
    logging.getLogger("library").warning("slow")
    logging.getLogger("library").error("broken")
warnings.warn("outside")
"""


def stderr_of(*arguments: str, options: tuple[str, ...] = ()) -> str:
    command = [sys.executable, *options, "-c", PROGRAM, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stderr


def words_of(stderr: str) -> set[str]:
    return {word for word in ("deprecated", "slow", "broken", "outside") if word in stderr}


def test_warnings_are_hidden_and_errors_are_shown() -> None:
    assert words_of(stderr_of()) == {"broken", "outside"}


def test_verbose_shows_everything() -> None:
    assert words_of(stderr_of("verbose")) == {"deprecated", "slow", "broken", "outside"}


def test_warnings_that_the_user_has_chosen_are_shown() -> None:
    assert words_of(stderr_of(options=("-W", "default"))) == {"deprecated", "broken", "outside"}


def test_verbose_tells_child_processes_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(chatter.VERBOSE, raising=False)
    with chatter.verbose():
        assert chatter.is_wanted() and chatter.VERBOSE in os.environ
        with chatter.verbose():
            pass
        assert chatter.is_wanted()
    assert not chatter.is_wanted()


def test_a_level_that_was_disabled_before_stays_disabled() -> None:
    logging.disable(logging.INFO)
    try:
        with chatter.quiet():
            assert logging.root.manager.disable == logging.WARNING
        assert logging.root.manager.disable == logging.INFO
    finally:
        logging.disable(logging.NOTSET)
