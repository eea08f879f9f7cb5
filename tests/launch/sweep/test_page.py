"""The page of a sweep holds its tables, figures and commands, needs no other file, and escapes what it is given."""

from __future__ import annotations

import re
from dataclasses import replace

from launch.sweep.comparison import compare
from launch.sweep.definition import Sweep
from launch.sweep.page import facts, page
from tests.launch.sweep.conftest import FAST


def test_the_page_of_a_sweep(sweep: Sweep) -> None:
    results = compare(sweep)
    shown = page(sweep, results)
    assert shown.startswith("<!doctype html>") and "<h1>Sweep rates</h1>" in shown
    assert "<code>optimizer.learning_rate=0.01</code>" in shown
    assert "wide, seed 2: not begun" in shown and "--run" in shown
    assert not re.findall(r'(?:src|href)="(?!data:)', shown), "the page needs another file"
    # For both scores: the Pareto line, and the differences of fast. Of wide there is one pair, so no interval.
    assert [len(score["figures"]) for score in facts(sweep, results)["scores"]] == [2, 2]
    assert shown.count("<img ") == 4 and FAST[0] not in shown


def test_the_figures_are_described(sweep: Sweep) -> None:
    results = compare(sweep)
    line, differences = facts(sweep, results)["scores"][0]["figures"]
    fast = results[1].scores["mlm_loss"]
    assert fast.mean and f"fast {fast.mean:.4g} at" in line.description and "On the line: fast" in line.description
    assert fast.difference and f"fast {fast.difference.mean:+.4g}" in differences.description


def test_nothing_is_finished(sweep: Sweep) -> None:
    nothing = replace(sweep, trials=sweep.trials[-1:], baseline="wide", keys={"wide": ("x=<b>",)})
    shown = page(nothing, compare(nothing))
    assert "<img " not in shown and "<code>x=&lt;b&gt;</code>" in shown
