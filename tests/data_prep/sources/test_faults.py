"""Errors of storage and content, told apart."""

from __future__ import annotations

import errno
import pickle

import pytest

from data_prep.sources.faults import Fault, describe, will_pass


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (OSError(errno.EIO, "io"), True),
        (ConnectionResetError(), True),
        (TimeoutError(), True),
        (PermissionError(errno.EACCES, "denied"), False),
        (OSError("Invalid data stream"), False),
    ],
)
def test_what_may_pass_by_itself(error: OSError, passes: bool) -> None:
    assert will_pass(error) is passes


def test_sentences() -> None:
    damaged = describe("a.gz", 12, EOFError("ended"))
    assert str(damaged).startswith("a.gz: is damaged or cut short after 12 (ended); mend it")
    denied = describe("a.gz", 0, PermissionError(errno.EACCES, "Permission denied"))
    assert denied.left_out.reason == "files that cannot be read"


def test_a_fault_comes_whole_from_another_process() -> None:
    fault = pickle.loads(pickle.dumps(Fault("reasons", "sentence", "remedy")))
    assert (fault.left_out.reason, str(fault)) == ("reasons", "sentence; remedy")
