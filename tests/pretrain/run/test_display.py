"""What people see of a run while it trains: plain lines where there is no terminal."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from configs.common import json_lines
from pretrain.run.display import Display
from pretrain.run.live import Panel

TRAINED: dict[str, float] = {
    "loss": 2.0,
    "masked_accuracy": 0.25,
    "replaced_share": 0.125,
    "tokens_per_second": 1500.0,
    "skipped_steps": 0,
    "learning_rate": 5e-4,
}
SCORES = {"mlm_loss": 3.5, "masked_accuracy": 0.5}
DETECTION = {"auc": 0.75, "best_threshold": 0.25, "best_precision": 0.5, "best_recall": 0.125}


def test_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with Display(Panel("run", 20, lambda steps: 8 * steps, 4)) as display:
        display.say("resuming [after] step 4")
        display.training(5, TRAINED | {"skipped_steps": 1})
        display.evaluation(6, SCORES, "general")
        display.evaluation(6, SCORES | DETECTION, "average")
    assert capsys.readouterr().out.splitlines() == [
        "resuming [after] step 4",
        "step 5/20  loss 2.000  masked 25.0%  replaced 12.5%  1,500 tokens/s  skipped 1  lr 5.00e-04",
        "step 6/20  general text: masked accuracy 50.0%, mlm loss 3.5000",
        "step 6/20  held out, average of the weights: masked accuracy 50.0%, mlm loss 3.5000, AUC 0.750, "
        "at threshold 0.25 precision 50.0%, recall 12.5%",
    ]


def test_lines_for_scripts(capfd: pytest.CaptureFixture[str]) -> None:
    finding = {"rule": "generator", "severity": "problem", "step": 6}
    with json_lines.on_stdout(), Display(Panel("run", 20, lambda steps: 8 * steps, 4)) as display:
        display.training(5, TRAINED | {"loss": math.inf})
        display.evaluation(6, SCORES, "general")
        display.saved(6, Path("run/checkpoints/step-00000006"))
        display.health(6, "1 problem at step 6", is_ill=True, findings=[finding])
    printed = capfd.readouterr()
    assert [json.loads(line) for line in printed.out.splitlines()] == [
        {"kind": "training", "step": 5, **TRAINED, "loss": None},
        {"kind": "general", "step": 6, **SCORES},
        {"kind": "checkpoint", "step": 6, "folder": "run/checkpoints/step-00000006"},
        {"kind": "health", "step": 6, "summary": "1 problem at step 6", "is_ill": True, "findings": [finding]},
    ]
    assert [line[:9] for line in printed.err.splitlines()] == ["step 5/20", "step 6/20"]


def test_the_panel_of_a_resumed_run_has_the_newest_scores() -> None:
    panel = Panel("run", 20, lambda steps: 8 * steps, 12)
    lines: list[dict[str, Any]] = [
        {"kind": "evaluation", "step": 6, **SCORES},
        {"kind": "training", "step": 7, **TRAINED},
        {"kind": "evaluation", "step": 12, **SCORES, **DETECTION},
        {"kind": "general", "step": 12, **SCORES, "mlm_loss": None},  # not finite
        {"kind": "general", "step": 12},  # damaged
    ]
    Display(panel).resume(lines)
    console = Console(width=100)
    with console.capture() as captured:
        console.print(panel)
    shown = captured.get()
    assert "held out    AUC 0.750, masked accuracy 50.0%, mlm loss 3.500 (step 12)" in shown
    assert "general" not in shown
