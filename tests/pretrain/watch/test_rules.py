"""Each rule fires on a history made for it, with the numbers by hand, and does not fire just beside its threshold."""

from __future__ import annotations

import pytest

from configs.load import load
from configs.recipe import Recipe
from pretrain.watch.rules import RULES, Record, is_judged

# small after a million steps (CLUEbenchmark/ELECTRA gives .467, .350 and .976)
TRAINED = {
    "mlm_loss": 2.5,
    "masked_accuracy": 0.467,
    "sampled_accuracy": 0.350,
    "auc": 0.976,
    "commonest_share": 0.05,
}


def recipe() -> Recipe:
    """Return a recipe that is judged from step 200 on."""
    return load("tiny")


def evaluated(step: int, kind: str = "evaluation", **scores: float | None) -> dict:
    return {"kind": kind, "step": step, **TRAINED, **scores}


def trained(step: int, **values: float | None) -> dict:
    return {"kind": "training", "step": step, "mlm_loss": 2.5, **values}


def judged(rule: str, *lines: dict, newest_start: int = 0) -> list[tuple[int, str | None]]:
    (judge,) = (candidate.judge for candidate in RULES if candidate.name == rule)
    return list(judge(Record(lines, recipe(), newest_start)))


@pytest.mark.parametrize(
    ("rule", "at_fault", "beside", "part"),
    [
        ("finite", {"auc": None}, {}, "not finite"),
        (
            "generator",
            {"masked_accuracy": 0.049},
            {"masked_accuracy": 0.051},
            "predicts 4.9% of the masked tokens, and always saying the most frequent token predicts 5.0%",
        ),
        ("replaced all", {"sampled_accuracy": 0.004}, {"sampled_accuracy": 0.006}, "replaces 99.6% of the masked"),
        ("replaced none", {"sampled_accuracy": 0.96}, {"sampled_accuracy": 0.94}, "replaces 4.0% of the masked"),
        ("discriminator", {"auc": 0.519}, {"auc": 0.521}, "AUC is 0.519, and .5 is chance"),
    ],
)
def test_the_scores_of_one_evaluation(rule: str, at_fault: dict, beside: dict, part: str) -> None:
    (fault, good) = judged(rule, evaluated(200, **at_fault), evaluated(250, **beside))
    assert fault[0] == 200 and fault[1] and part in fault[1]
    assert good == (250, None)


@pytest.mark.parametrize("rule", ["generator", "replaced all", "discriminator"])
def test_the_first_steps_are_not_judged(rule: str) -> None:
    nothing: dict = {"masked_accuracy": 0.0, "sampled_accuracy": 0.0, "auc": 0.5}
    assert judged(rule, evaluated(0, **nothing), evaluated(199, **nothing)) == []


def test_a_run_without_a_discriminator_has_no_auc() -> None:
    line = evaluated(300)
    del line["auc"]
    assert judged("discriminator", line) == judged("AUC falls", line) == []


def test_a_run_of_an_earlier_version_is_compared_with_two_percent() -> None:
    lines = [evaluated(step, masked_accuracy=accuracy) for step, accuracy in ((200, 0.019), (300, 0.021))]
    for line in lines:
        del line["commonest_share"]
    assert [bool(sentence) for _, sentence in judged("generator", *lines)] == [True, False]


def test_the_auc_has_fallen_in_three_evaluations_while_the_generator_stood() -> None:
    """The best AUC is .70 at step 300, and .69 is not .02 below it."""
    aucs = {200: 0.65, 300: 0.70, 400: 0.69, 500: 0.67, 600: 0.66, 700: 0.65, 800: 0.71}
    sentences = dict(judged("AUC falls", *(evaluated(step, auc=auc) for step, auc in aucs.items())))
    assert [step for step, sentence in sentences.items() if sentence] == [700]
    assert "from 0.700 at step 300 to 0.650" in str(sentences[700])


def test_the_auc_falls_when_the_generator_becomes_better() -> None:
    """In the demo the AUC falls from .79 to .55 in its first steps, while the generator learns."""
    lines = [evaluated(step, auc=0.8 - step / 2000, mlm_loss=8 - step / 200) for step in range(200, 900, 100)]
    assert all(sentence is None for _, sentence in judged("AUC falls", *lines))


def test_a_run_that_memorizes_its_text() -> None:
    """The mean loss in training falls from (4 + 3) / 2 to (2 + 1) / 2 while the held-out loss rises from 3.6."""
    training = [trained(100, mlm_loss=4.0), trained(200, mlm_loss=3.0), trained(300, mlm_loss=2.0)]
    training += [trained(350, mlm_loss=None), trained(400, mlm_loss=1.0)]
    lines = [evaluated(0, mlm_loss=9.0), *training[:2], evaluated(200, mlm_loss=3.6), *training[2:]]
    (good, fault) = judged("memorizes", *lines, evaluated(400, mlm_loss=3.7))
    assert good == (200, None)
    assert fault[0] == 400
    assert "from 3.600 to 3.700 on held-out rows, and fallen from 3.500 to 1.500 in training" in str(fault[1])
    assert judged("memorizes", *lines, evaluated(400, mlm_loss=3.64))[-1] == (400, None)


def test_a_loss_that_rises_everywhere_is_no_memory() -> None:
    lines = [trained(100, mlm_loss=3.0), evaluated(100, mlm_loss=3.0)]
    lines += [trained(200, mlm_loss=4.0), evaluated(200, mlm_loss=4.0)]
    assert all(sentence is None for _, sentence in judged("memorizes", *lines))


def test_general_text_is_compared_with_its_first_evaluation() -> None:
    lines = [evaluated(0, "general", auc=0.90), evaluated(100, "general", mlm_loss=2.54, auc=0.895)]
    assert judged("generator forgets", *lines) == judged("discriminator forgets", *lines) == [(100, None)]
    lines[1] = evaluated(100, "general", mlm_loss=2.56, auc=0.885)
    assert "has risen from 2.500 to 2.560" in str(judged("generator forgets", *lines)[0][1])
    assert "has fallen from 0.900 to 0.885" in str(judged("discriminator forgets", *lines)[0][1])


def test_a_new_generator_is_compared_from_when_it_has_learned_alone() -> None:
    initial = "initial={generator='build', generator_width=0.5, generator_steps=50, layer_decay=1.0}"
    lines = [evaluated(0, "general", mlm_loss=11.0, auc=1.0), evaluated(40, "general", mlm_loss=9.0, auc=0.99)]
    lines += [evaluated(50, "general", auc=0.9), evaluated(100, "general", mlm_loss=2.6, auc=0.9)]
    (judge,) = (rule.judge for rule in RULES if rule.name == "generator forgets")
    ((step, sentence),) = judge(Record(lines, load("tiny", [initial])))
    assert step == 100 and "from 2.500 to 2.600" in str(sentence)


def test_a_pair_is_judged_when_the_warm_up_has_been_over_for_as_long() -> None:
    tiny, small = load("tiny").schedule, load("small").schedule
    assert [is_judged(step, tiny) for step in (0, 100, 199, 200, 1000)] == [False, False, False, True, True]
    assert [is_judged(step, small) for step in (15_000, 20_000)] == [False, True]
    without = load("tiny", ["schedule.warmup_steps=0"]).schedule
    assert [is_judged(step, without) for step in (0, 99, 100)] == [False, False, True]
