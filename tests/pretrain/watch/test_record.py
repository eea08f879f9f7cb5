"""Which lines of a run the rules read."""

from __future__ import annotations

from configs.load import load
from pretrain.watch.record import Record, is_judged
from tests.histories import evaluated, trained


def test_a_pair_is_judged_when_the_warm_up_has_been_over_for_as_long() -> None:
    tiny, small = load("tiny").schedule, load("small").schedule
    assert [is_judged(step, tiny) for step in (0, 100, 199, 200, 1000)] == [False, False, False, True, True]
    assert [is_judged(step, small) for step in (15_000, 20_000)] == [False, True]
    without = load("tiny", ["schedule.warmup_steps=0"]).schedule
    assert [is_judged(step, without) for step in (0, 99, 100)] == [False, False, True]


def test_each_evaluation_has_the_values_of_training_since_the_one_before() -> None:
    lines = [evaluated(0), trained(1, loss=1.0), trained(2, loss=None), evaluated(2), evaluated(2, "general")]
    lines += [trained(3, loss=3.0), trained(4, loss=4.0), evaluated(4, auc=None), trained(5, loss=5.0), evaluated(6)]
    pairs = Record([*lines, trained(7, loss=7.0)], load("tiny")).with_training("loss")
    assert [(line["step"], values) for line, values in pairs] == [(2, [1.0]), (6, [3.0, 4.0, 5.0])]


def test_only_finite_evaluations_are_scored_and_only_late_ones_judged() -> None:
    record = Record([evaluated(100), evaluated(200), evaluated(300, auc=None), trained(400)], load("tiny"), 100)
    assert [line["step"] for line in record.scored()] == [100, 200]
    assert [line["step"] for line in record.judged()] == [200]
    assert record.last_step == 400 and Record([], load("tiny")).last_step == 0


def test_a_damaged_line_without_a_score_is_not_judged() -> None:
    line = evaluated(300)
    del line["masked_accuracy"]
    assert Record([line], load("tiny")).judged() == []


def test_the_newest_start_begins_after_its_checkpoint() -> None:
    lines = [trained(step, mfu=step / 10) for step in (1, 2, 3)]
    assert Record(lines, load("tiny"), 1).since_start("mfu") == [(2, 0.2), (3, 0.3)]
