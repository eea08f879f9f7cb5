"""How far runs are, and which runs and folders do not belong to a sweep."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from configs.common.errors import UserError
from configs.folders import LOCK
from launch.sweep.definition import Sweep, Trial
from launch.sweep.progress import finished, refuse_other_runs, refuse_other_things, share_left, state
from pretrain.run.logs import read_metrics


def test_a_finished_run_and_one_that_has_not_begun(sweep: Sweep) -> None:
    first, last = sweep.trials[0], sweep.trials[-1]
    result = finished(first)
    evaluation = [line for line in read_metrics(first.run) if line["kind"] == "evaluation"][-1]
    assert result and result.scores == evaluation and evaluation["step"] == 4
    assert (state(first), share_left(first)) == ("finished", 0)
    assert (finished(last), state(last), share_left(last)) == (None, "not begun", 1)


def test_the_flops_are_those_that_the_run_logged(sweep: Sweep) -> None:
    result = finished(sweep.trials[0])
    # Every step has 8 rows, so the seconds of a step follow from the rows per second.
    lines = [line for line in read_metrics(sweep.trials[0].run) if line["kind"] == "training"]
    pflop = sum(8 / line["rows_per_second"] * line["model_tflops_per_second"] / 1e3 for line in lines)
    assert result and result.pflop == pytest.approx(pflop)


@pytest.mark.parametrize("slower", [1 / 3, 3.0, 7.0, 11.0, 1e3 / 7])
def test_the_flops_do_not_depend_on_how_long_a_run_took(sweep: Sweep, tmp_path: Path, slower: float) -> None:
    trial = _moved(sweep.trials[0], tmp_path)
    lines = read_metrics(trial.run)
    for line in lines:
        line.update({name: value / slower for name, value in line.items() if name.endswith("_per_second")})
    (trial.run / "metrics.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    before, after = finished(sweep.trials[0]), finished(trial)
    assert before and after and before.pflop == after.pflop


def test_a_run_without_its_last_evaluation_is_not_finished(sweep: Sweep, tmp_path: Path) -> None:
    trial = _moved(sweep.trials[0], tmp_path)
    lines = (trial.run / "metrics.jsonl").read_text().splitlines()
    (trial.run / "metrics.jsonl").write_text("\n".join(lines[:-1]) + "\n")
    assert not finished(trial)
    (trial.run / "metrics.jsonl").write_text("\n".join(line for line in lines if '"step": 4' not in line) + "\n")
    assert (state(trial), share_left(trial)) == ("stopped after step 3 of 4", 0.25)


def _moved(trial: Trial, folder: Path) -> Trial:
    """Return the same trial with a copy of its run in another folder."""
    shutil.copytree(trial.run, folder / "run")
    return replace(trial, order=replace(trial.order, run=folder / "run"))


def test_a_run_with_another_recipe_is_refused(sweep: Sweep) -> None:
    refuse_other_runs(sweep)
    recipe = sweep.trials[0].recipe
    optimizer = recipe.optimizer.model_copy(update={"learning_rate": 0.5})
    other = replace(sweep.trials[0], recipe=recipe.model_copy(update={"optimizer": optimizer}))
    with pytest.raises(UserError, match=r"seed-1: has optimizer.learning_rate = 0.0005, and .* says 0.5; give the"):
        refuse_other_runs(replace(sweep, trials=(other,)))


def test_a_run_that_was_scored_on_other_rows_is_refused(sweep: Sweep) -> None:
    recipe = sweep.trials[0].recipe
    more, fewer = (
        replace(
            sweep.trials[0],
            recipe=recipe.model_copy(update={"run": recipe.run.model_copy(update={"evaluate_rows": rows})}),
        )
        for rows in (10**9, 2)
    )
    held_out = sweep.corpus.num_rows("validation")
    assert recipe.run.evaluate_rows > 2
    if recipe.run.evaluate_rows >= held_out:  # all rows are all rows
        refuse_other_runs(replace(sweep, trials=(more,)))
    with pytest.raises(UserError, match=r"seed-1: has run.evaluate_rows = \d+, and .* says 2; give the"):
        refuse_other_runs(replace(sweep, trials=(fewer,)))


def test_a_run_on_another_corpus_is_refused(sweep: Sweep, tmp_path: Path) -> None:
    trial = _moved(sweep.trials[0], tmp_path)
    file = trial.run / "provenance.json"
    file.write_text(file.read_text().replace(sweep.corpus.manifest_sha256, "0" * 64))
    with pytest.raises(UserError, match=r"was trained on another corpus than .* 000000000000, and here"):
        refuse_other_runs(replace(sweep, trials=(trial,)))


def test_a_folder_with_other_things_is_refused(tmp_path: Path) -> None:
    refuse_other_things(tmp_path / "new", ["runs"])
    (tmp_path / "runs").mkdir()
    refuse_other_things(tmp_path, ["runs"])
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(UserError, match=r"holds thesis.tex, which is no part of a sweep"):
        refuse_other_things(tmp_path, ["runs"])
    (tmp_path / LOCK).touch()  # as `--json` within --out leaves its file in a folder that a sweep has begun
    refuse_other_things(tmp_path, ["runs"])
