"""The rules together: on the metrics of real runs, and on the page that explains them.

tests/golden/README.md says which runs these are.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from configs.load import load
from pretrain.watch.health import verdict
from pretrain.watch.rules import RULES

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("name", "steps", "expected"),
    [
        # A quarter of the held-out rows of the demo is one document, which the page explains.
        ("demo", 1000, [("held-out rows differ", 250)]),
        ("memorizes", 2000, [("discriminator", 200), ("memorizes", 1800), ("data wait", 1900)]),
    ],
)
def test_what_real_runs_show(name: str, steps: int, expected: list[tuple[str, int]]) -> None:
    lines = (ROOT / "tests" / "golden" / "health" / f"{name}.jsonl").read_text().splitlines()
    judgement = verdict([json.loads(line) for line in lines], load("tiny", [f"schedule.steps={steps}"]))
    assert [(finding.rule, finding.step) for finding in judgement.findings] == expected
    assert judgement.is_ill == (name == "memorizes")


def test_the_page_explains_every_rule() -> None:
    page = (ROOT / "docs" / "health.md").read_text(encoding="utf-8")
    table = page.partition("## The rules")[2].partition("\n## ")[0]
    explained = re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE)[1:]
    names = [name for cell in explained for name in cell.split(", ")]
    assert names == [rule.name for rule in RULES]
