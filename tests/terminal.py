"""A terminal for tests: a program runs in a pseudo-terminal, and pyte says what a person would see."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping
from dataclasses import dataclass

import pyte


@dataclass(frozen=True)
class Shown:
    """What a program has printed to a terminal, and the screen at its end."""

    exit_code: int
    printed: bytes
    screen: pyte.HistoryScreen
    stdout: bytes  # what it printed to stdout, if that was not the terminal

    def lines(self) -> list[str]:
        """Return the lines that scrolled away and the screen, without spaces and empty lines at their end."""
        history = ["".join(line[column].data for column in sorted(line)) for line in self.screen.history.top]
        lines = [line.rstrip() for line in [*history, *self.screen.display]]
        while lines and not lines[-1]:
            lines.pop()
        return lines


class Terminal:
    """Runs a program in a terminal of a size. `send` types, and `finish` reads to the end."""

    def __init__(
        self,
        *arguments: str,
        columns: int = 100,
        environment: Mapping[str, str] | None = None,
        redirected: bool = False,
    ):
        self._screen = pyte.HistoryScreen(columns, 40, history=1000, ratio=0.5)
        self._stream = pyte.ByteStream(self._screen)
        self._controller, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        self._printed = b""
        names = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "TERM", "CI")
        inherited = {name: value for name, value in os.environ.items() if name not in names}
        self._process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=terminal,
            stdout=subprocess.PIPE if redirected else terminal,
            stderr=terminal,
            env=inherited | {"TERM": "xterm-256color"} | dict(environment or {}),
            preexec_fn=_own_terminal,
        )
        os.close(terminal)

    def read_until(self, text: str) -> None:
        """Read until the program has printed the text."""
        while text.encode() not in self._printed:
            assert self._read(), f"{text!r} was not printed: {self._printed!r}"

    def type(self, text: bytes) -> None:
        os.write(self._controller, text)

    def finish(self) -> Shown:
        while self._read():
            pass
        stdout = self._process.stdout.read() if self._process.stdout else b""
        exit_code = self._process.wait()
        os.close(self._controller)
        return Shown(exit_code, self._printed, self._screen, stdout)

    def _read(self) -> bytes:
        try:
            data = os.read(self._controller, 1 << 16)
        except OSError:  # Linux says so when the program has closed the terminal.
            data = b""
        self._printed += data
        self._stream.feed(data)
        return data


def _own_terminal() -> None:
    """Make the pseudo-terminal the terminal of a new session, so that Ctrl-C is turned into a signal."""
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
