"""With --json, stdout holds lines of JSON and nothing else, whoever prints."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from configs.common import json_lines

PROGRAM = """
import os, subprocess, sys
from configs.common import json_lines

print("before")
with json_lines.on_stdout():
    print("printed by Python")
    json_lines.write("scores", auc=float("nan"), nested={"values": (0.5, float("inf"))}, text="\\u4f4e")
    os.write(1, b"printed by a library\\n")
    subprocess.run([sys.executable, "-c", "print('printed by a child')"], check=True)
    subprocess.run([sys.executable, "-c", "print('{}')"], check=True, stdout=json_lines.stdout())
json_lines.write("scores", auc=0.5)
print("after")
"""


def test_only_the_lines_are_on_stdout() -> None:
    result = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    first, scores, child, last = result.stdout.splitlines()
    assert (first, child, last) == ("before", "{}", "after")
    assert json.loads(scores) == {
        "kind": "scores",
        "auc": None,
        "nested": {"values": [0.5, None]},
        "text": "低",
    }
    printed = {"printed by Python", "printed by a library", "printed by a child"}
    assert set(result.stderr.splitlines()) == printed


def test_without_the_option_no_line_is_written(capfd: pytest.CaptureFixture[str]) -> None:
    json_lines.write("scores", auc=0.5)
    assert not json_lines.are_wanted() and not json_lines.are_on_a_terminal() and json_lines.stdout() is None
    assert capfd.readouterr().out == ""


def test_what_json_cannot_express_is_refused_and_writes_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with json_lines.on_stdout(), pytest.raises(TypeError):
        json_lines.write("scores", auc={0.5})
    assert capfd.readouterr().out == ""
