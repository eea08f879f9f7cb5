"""A first signal only asks, a repetition of the same request changes nothing, and a second request ends the process.

Whole runs that are asked to stop are in tests/integration/test_signals.py.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from pretrain.run import signals
from pretrain.run.signals import SIGNALS, StopOnSignal


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Restore the handlers, since a process that was asked to stop ignores further signals."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_asks(number: signal.Signals, capfd: pytest.CaptureFixture[str]) -> None:
    with StopOnSignal() as stop:
        assert not stop.asked()
        signal.raise_signal(number)
        assert stop.asked()
    assert capfd.readouterr().err == f"{number.name}: stopping after this step; once more ends at once\n"
    # The same request may arrive a second time while the process ends.
    assert all(signal.getsignal(other) is signal.SIG_IGN for other in SIGNALS)


def test_the_same_request_may_arrive_twice(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "_SAME_REQUEST_SECONDS", float("inf"))
    with StopOnSignal() as stop:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGUSR1)
        assert stop.asked()
    assert capfd.readouterr().err.count("\n") == 1


def test_only_the_first_process_says_it(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    with StopOnSignal() as stop:
        signal.raise_signal(signal.SIGINT)
        assert stop.asked()
    assert capfd.readouterr().err == ""


def test_without_a_signal_the_handlers_are_as_before() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    with StopOnSignal():
        assert [signal.getsignal(number) for number in SIGNALS] != before
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_a_second_request_ends_the_process_at_once() -> None:
    code = (
        "import signal; from pretrain.run import signals; signals._SAME_REQUEST_SECONDS = -1.0\n"
        "with signals.StopOnSignal():\n"
        "    signal.raise_signal(signal.SIGUSR1); print('one', flush=True); signal.raise_signal(signal.SIGTERM)\n"
        "    print('two')"
    )
    environment = os.environ | {"RANK": "0"}
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert (ended.returncode, ended.stdout) == (128 + signal.SIGTERM, "one\n")
