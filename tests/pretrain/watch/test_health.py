"""What a collapse looks like, by numbers."""

from __future__ import annotations

import pytest

from configs.load import load
from pretrain.watch.health import Watch, forgotten, is_judged, problems

# small after a million steps (CLUEbenchmark/ELECTRA gives .467, .350 and .976), and tiny in `make demo`
TRAINED = {"masked_accuracy": 0.467, "sampled_accuracy": 0.350, "auc": 0.976}
TINY = {"masked_accuracy": 0.252, "sampled_accuracy": 0.136, "auc": 0.581}  # after 250 steps
TINY_AT_ITS_START = {"masked_accuracy": 0.0, "sampled_accuracy": 0.0002, "auc": 0.537}


@pytest.mark.parametrize("scores", [TRAINED, TINY, {"masked_accuracy": 0.3, "sampled_accuracy": 0.2}])
def test_a_pair_that_learns_has_no_problem(scores: dict[str, float]) -> None:
    assert problems(scores) == {}


@pytest.mark.parametrize(
    ("change", "kind", "help"),
    [
        ({"auc": 0.501}, "discriminator", "learning_rate"),
        ({"auc": 0.4}, "discriminator", "objectives.rtd.weight"),
        ({"masked_accuracy": 0.01}, "generator", "schedule.warmup_steps"),
        ({"sampled_accuracy": 0.0001}, "replaced all", "corruption.temperature"),
        ({"sampled_accuracy": 0.99}, "replaced none", "smaller model.generator"),
    ],
)
def test_a_collapse_is_named_with_what_helps(change: dict[str, float], kind: str, help: str) -> None:
    named_problems = problems(TRAINED | change)
    assert set(named_problems) == {kind}
    assert help in named_problems[kind]


def test_a_pair_is_judged_when_the_warm_up_has_been_over_for_as_long() -> None:
    tiny, small = load("tiny").schedule, load("small").schedule
    assert [is_judged(step, tiny) for step in (0, 100, 199, 200, 1000)] == [False, False, False, True, True]
    assert [is_judged(step, small) for step in (15_000, 20_000)] == [False, True]
    without = load("tiny", ["schedule.warmup_steps=0"]).schedule
    assert [is_judged(step, without) for step in (0, 99, 100)] == [False, False, True]


def test_every_kind_is_named_once_and_the_start_of_a_run_is_not_judged() -> None:
    watch = Watch(load("tiny").schedule)
    assert watch.new(0, TINY_AT_ITS_START) == watch.new(100, TINY_AT_ITS_START) == []
    assert watch.new(250, {}) == []
    assert len(watch.new(250, TINY | {"auc": 0.5})) == 1
    (generator,) = watch.new(500, TINY | {"auc": 0.5, "masked_accuracy": 0.0})
    assert "the generator predicts 0.0%" in generator
    assert watch.new(750, TINY | {"auc": 0.5, "masked_accuracy": 0.0}) == []


def test_what_general_text_has_lost_is_named_with_both_numbers() -> None:
    before = {"mlm_loss": 2.5, "auc": 0.90}
    assert (
        forgotten(before, {"mlm_loss": 2.54, "auc": 0.895}) == forgotten(before, {"mlm_loss": 2.0, "auc": 0.99}) == {}
    )
    worse = forgotten(before, {"mlm_loss": 2.56, "auc": 0.885})
    assert set(worse) == {"generator forgets", "discriminator forgets"}
    assert "has risen from 2.500 to 2.560" in worse["generator forgets"]
    assert "has fallen from 0.900 to 0.885" in worse["discriminator forgets"]
    watch = Watch(load("tiny").schedule)
    assert watch.lost(None, before) == watch.lost(before, {}) == []
    assert len(watch.lost(before, {"mlm_loss": 2.56, "auc": 0.9})) == 1
    assert watch.lost(before, {"mlm_loss": 3.0, "auc": 0.9}) == []
    assert len(watch.lost(before, {"mlm_loss": 3.0, "auc": 0.8})) == 1
