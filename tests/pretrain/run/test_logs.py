"""A run's metrics are lines of JSON that a crash, a resumption or a value that is not finite does not spoil."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from pretrain.run.display import Display
from pretrain.run.live import Panel
from pretrain.run.logs import Log, read_metrics
from tests.pretrain.run.test_display import TRAINED

SCORES = {"mlm_loss": 3.5, "masked_accuracy": 0.5, "sampled_accuracy": 0.25}


def test_lines_are_read_as_they_were_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "模型"
    run.mkdir()
    with Log(run, 0, Display(Panel("run", 20, lambda steps: 8 * steps, 0)), active=True) as log:
        log.training(1, TRAINED)
        log.training(2, TRAINED | {"loss": math.inf, "skipped_steps": 1})
        log.evaluation(2, SCORES)
    assert read_metrics(run) == [
        {"kind": "training", "step": 1, **TRAINED},
        {"kind": "training", "step": 2, **TRAINED, "loss": None, "skipped_steps": 1},
        {"kind": "evaluation", "step": 2, **SCORES},
    ]
    assert capsys.readouterr().out.splitlines() == [
        "step 1/20  loss 2.000  masked 25.0%  replaced 12.5%  1,500 tokens/s  lr 5.00e-04",
        "step 2/20  loss inf  masked 25.0%  replaced 12.5%  1,500 tokens/s  skipped 1  lr 5.00e-04",
        "step 2/20  held out: masked accuracy 50.0%, mlm loss 3.5000",
    ]


def test_a_later_start_removes_the_lines_after_its_first_step(tmp_path: Path) -> None:
    with Log(tmp_path, 0, Display(Panel("run", 20, lambda steps: 8 * steps, 0)), active=True) as log:
        for step in (4, 5, 6):
            log.training(step, TRAINED)
        log.evaluation(5, SCORES)
    with Log(tmp_path, 5, Display(Panel("run", 20, lambda steps: 8 * steps, 5)), active=True) as log:
        assert log.has("training", 5) and log.has("evaluation", 5) and not log.has("training", 6)
        log.training(5, TRAINED | {"loss": 9.0})  # an earlier start has logged it, so it is not written again
        log.training(6, TRAINED | {"loss": 9.0})
    steps = [(line["kind"], line["step"], line.get("loss")) for line in read_metrics(tmp_path)]
    assert steps == [("training", 4, 2.0), ("training", 5, 2.0), ("evaluation", 5, None), ("training", 6, 9.0)]


def test_the_lines_so_far_are_those_of_the_file(tmp_path: Path) -> None:
    with Log(tmp_path, 0, Display(Panel("run", 20, lambda steps: 8 * steps, 0)), active=True) as log:
        log.evaluation(3, SCORES | {"mlm_loss": float("nan")}, "general")
    with Log(tmp_path, 3, Display(Panel("run", 20, lambda steps: 8 * steps, 3)), active=True) as log:
        log.evaluation(6, SCORES)
        assert list(log.lines) == read_metrics(tmp_path)
        assert [(line["step"], line["mlm_loss"]) for line in log.lines] == [(3, None), (6, SCORES["mlm_loss"])]


@pytest.mark.parametrize(
    "line",
    [
        "",
        '{"kind": "training", "step": 1, "lo',
        '{"kind": "training", "step": -1}',
        '{"kind": "other", "step": 1}',
        '{"kind": "training", "step": 1, "loss": NaN}',
        '{"kind": "training", "step": 1, "loss": "低"}',
        "[1]",
    ],
)
def test_a_damaged_line_is_left_out(line: str, tmp_path: Path) -> None:
    whole = {"kind": "training", "step": 2, "loss": 1.5}
    (tmp_path / "metrics.jsonl").write_text(f"{line}\n{json.dumps(whole)}\n", encoding="utf-8")
    assert read_metrics(tmp_path) == [whole]


def test_a_process_that_is_not_the_first_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Log(tmp_path, 0, Display(Panel("run", 20, lambda steps: 8 * steps, 0)), active=False) as log:
        log.training(1, TRAINED)
        log.evaluation(1, SCORES)
        log.say("warning")
        assert not log.has("training", 1) and not log.lines
    assert not list(tmp_path.iterdir()) and not capsys.readouterr().out and read_metrics(tmp_path) == []
