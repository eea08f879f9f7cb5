"""Each score that was measured has a panel, whose description names the ends of its curves."""

from __future__ import annotations

from pathlib import Path

from configs.load import load
from pretrain.watch.curves import score_figures, speed_figures
from pretrain.watch.history import History


def _history(name: str, *lines: dict) -> History:
    return History(Path(name), load("tiny"), [], list(lines))


LINES = (
    {"kind": "training", "step": 1, "mlm_loss": 9.0, "gradient_norm": 4.0},
    {"kind": "evaluation", "step": 2, "mlm_loss": 7.5, "auc": None},
    {"kind": "training", "step": 3, "mlm_loss": 8.0, "gradient_norm": None},
    {"kind": "evaluation", "step": 4, "mlm_loss": 6.25, "auc": None},
    {"kind": "general", "step": 4, "mlm_loss": 5.0},
)


def test_one_run_shows_training_in_the_background() -> None:
    [figure] = score_figures([_history("a", *LINES)])
    assert figure.description == (
        "Generator: loss by step: held out from 7.5 to 6.25; general text from 5 to 5; training from 9 to 8"
    )


def test_several_runs_are_named_and_show_held_out_rows_alone() -> None:
    [figure] = score_figures([_history("甲", *LINES), _history("b", *LINES[:2])])
    assert figure.description == (
        "Generator: loss by step: 甲, held out from 7.5 to 6.25; 甲, general text from 5 to 5; b, held out from 7.5 to "
        "7.5"
    )


def test_the_speed_leaves_out_a_value_that_was_not_finite() -> None:
    [figure] = speed_figures([_history("a", *LINES)])
    assert figure.description == "Gradient norm by step: training from 4 to 4"
    assert figure.source.startswith("data:image/svg+xml;base64,")


def test_nothing_measured_is_no_panel() -> None:
    assert score_figures([_history("a")]) == [] and speed_figures([]) == []
