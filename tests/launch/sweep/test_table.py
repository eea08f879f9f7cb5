"""The cells of a sweep: every recipe, what is missing, and what a reader should know."""

from __future__ import annotations

from dataclasses import replace

from launch.paired import PairedDifference
from launch.sweep.comparison import RecipeResult, RecipeScore, compare
from launch.sweep.definition import Sweep
from launch.sweep.table import headings, notes, rows, text, title

BASELINE = RecipeScore({1: 0.5, 2: 0.7}, (), None, 0, is_on_pareto_line=True)
SCORE = RecipeScore({1: 0.6}, (2,), PairedDifference(0.1, 0.05, 0.15, 0.01234), 1, is_on_pareto_line=False)


def test_cells_by_hand(sweep: Sweep) -> None:
    results = [
        RecipeResult("published", 0.0123456, 2, {"auc": BASELINE}),
        RecipeResult("fast", 0.5, 2, {"auc": SCORE}),
        RecipeResult("wide", None, 0, {"auc": RecipeScore({}, (), None, 0, is_on_pareto_line=False)}),
    ]
    assert headings(sweep)[4] == "minus published (95 %)"
    assert rows(sweep, results, "auc") == [
        ["published", "2 of 2", "0.0123", "0.6000 ± 0.1414", "–", "–", "baseline, on the Pareto line"],
        ["fast", "2 of 2", "0.5", "0.6000", "+0.1000 (+0.0500 to +0.1500)", "0.012", "not finite with seed 2, 1 pairs"],
        ["wide", "0 of 2", "–", "–", "–", "–", ""],
    ]


def test_the_text_has_a_table_for_each_score_and_names_what_is_left(sweep: Sweep) -> None:
    shown = text(sweep, compare(sweep))
    assert shown.startswith("mlm loss, lower is better\nrecipe ")
    assert "\nAUC\nrecipe " in shown and "\nwide, seed 2: not begun\n" in shown
    assert "5 of 6 runs are finished, and only these are compared." in shown
    assert all(line == line.rstrip() for line in shown.splitlines())


def test_notes(sweep: Sweep) -> None:
    assert "auc: each discriminator is tested with the replacements of its own generator" in "\n".join(
        notes(sweep, compare(sweep))
    )
    of_prediction = replace(sweep, scores=("mlm_loss",), trials=sweep.trials[:5])
    (only,) = notes(of_prediction, compare(of_prediction))
    assert "not corrected for the number of recipes" in only


def test_titles() -> None:
    assert [title(score) for score in ("auc", "rtd_loss")] == ["AUC", "rtd loss, lower is better"]
