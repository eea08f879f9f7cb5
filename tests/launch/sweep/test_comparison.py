"""Means, paired differences and the Pareto line by hand, and those of a real sweep."""

from __future__ import annotations

import json
import statistics
from dataclasses import replace

import pytest

from launch.sweep import comparison
from launch.sweep.comparison import compare, is_better_low, pareto, to_dict
from launch.sweep.definition import Sweep, Trial
from launch.sweep.progress import Finished, finished


def test_the_pareto_line_by_hand() -> None:
    points = {"cheap": (1.0, 0.5), "good": (2.0, 0.8), "worse": (2.0, 0.7), "dear": (3.0, 0.8), "best": (4.0, 0.9)}
    assert pareto(points) == {"cheap", "good", "best"}
    assert pareto({"a": (1.0, 1.0), "b": (1.0, 1.0)}) == {"a", "b"}
    assert pareto({}) == set()


def test_losses_alone_are_better_when_low() -> None:
    assert is_better_low("mlm_loss") and not is_better_low("auc")


@pytest.fixture
def by_hand(sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> Sweep:
    """Return the sweep with a third seed and results that are easy to compute with.

    The run of wide with seed 3 is not finished, and the loss of fast with seed 3 is not finite.
    """
    losses = {"published": (7.0, 6.0, 5.0), "fast": (6.0, 4.0, None), "wide": (7.0, 5.0)}
    pflop = {"published": 1.0, "fast": 1.0, "wide": 2.0}
    third = tuple(replace(trial, seed=3) for trial in sweep.trials[:3])

    def result(trial: Trial) -> Finished | None:
        of_recipe = losses[trial.name]
        if trial.seed > len(of_recipe):
            return None
        return Finished({"mlm_loss": of_recipe[trial.seed - 1]}, pflop[trial.name])

    monkeypatch.setattr(comparison, "finished", result)
    return replace(sweep, seeds=(1, 2, 3), scores=("mlm_loss",), trials=sweep.trials + third)


def test_a_comparison_by_hand(by_hand: Sweep) -> None:
    published, fast, wide = compare(by_hand)
    baseline, faster, wider = (result.scores["mlm_loss"] for result in (published, fast, wide))
    assert (baseline.mean, baseline.deviation, baseline.difference) == (6, 1, None)
    # The differences of fast are -1 and -2. Their mean has the error 1/2, and Student's t is 12.706 for one degree.
    assert (faster.mean, faster.num_pairs, faster.not_finite) == (5, 2, (3,))
    assert faster.difference and faster.difference.mean == -1.5
    assert faster.difference.low == pytest.approx(-1.5 - 6.353, abs=1e-3)
    # The differences of wide are 0 and -1.
    assert wider.difference and (wider.difference.mean, wider.num_pairs) == (-0.5, 2)
    assert [result.num_finished for result in (published, fast, wide)] == [3, 3, 2]
    # The lowest mean loss at the lowest cost is that of fast.
    assert [score.is_on_pareto_line for score in (baseline, faster, wider)] == [False, True, False]


def test_a_real_sweep(sweep: Sweep) -> None:
    results = compare(sweep)
    logged = [finished(trial) for trial in sweep.of("fast")]
    fast = results[1].scores["mlm_loss"]
    assert fast.mean == pytest.approx(statistics.fmean(run.scores["mlm_loss"] or 0 for run in logged if run))
    assert fast.difference and fast.difference.mean < 0 and fast.num_pairs == 2
    wide = results[2].scores["mlm_loss"]
    assert (results[2].num_finished, wide.deviation, wide.num_pairs) == (1, None, 1)
    assert wide.difference and wide.difference.p is None
    assert results[2].pflop and results[1].pflop and results[2].pflop > results[1].pflop


def test_every_number_is_in_the_json(sweep: Sweep) -> None:
    results = compare(sweep)
    content = json.loads(json.dumps(to_dict(sweep, results)))
    fast = content["recipes"]["fast"]
    assert fast["keys"] == ["optimizer.learning_rate=0.01"] and fast["finished_runs"] == 2
    assert fast["scores"]["mlm_loss"]["mean"] == results[1].scores["mlm_loss"].mean
    assert set(fast["scores"]["auc"]["difference"]) == {"mean", "low", "high", "p"}
    assert set(fast["scores"]["auc"]["values"]) == {"1", "2"}


def test_nothing_is_finished(sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "finished", lambda trial: None)
    assert [(result.pflop, result.scores["auc"].mean) for result in compare(sweep)] == 3 * [(None, None)]
