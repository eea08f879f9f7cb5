"""The verdict on a run: its findings, their order, and what is named while the run trains."""

from __future__ import annotations

import pytest

from configs.load import load
from pretrain.watch.health import Finding, Verdict, Watch, verdict
from tests.histories import evaluated


def judged(*lines: dict) -> Verdict:
    return verdict(lines, load("tiny"))


@pytest.mark.parametrize(
    ("lines", "summary"),
    [
        ([], "no held-out row was evaluated, so it is not known whether the model learns"),
        ([evaluated(0)], "too early at step 0 to judge whether the model learns"),
        ([evaluated(100)], "too early at step 100 to judge whether the model learns"),
        ([evaluated(250)], "healthy at step 250, by 1 evaluation on held-out rows"),
        ([evaluated(0), evaluated(250)], "healthy at step 250, by 2 evaluations on held-out rows"),
        ([evaluated(250, auc=0.5)], "1 problem at step 250"),
        ([evaluated(250, auc=0.5, masked_accuracy=0.0)], "2 problems at step 250"),
    ],
)
def test_one_sentence_about_a_run(lines: list[dict], summary: str) -> None:
    found = judged(*lines)
    assert found.summary == found.lines()[0] == summary
    assert found.is_ill == summary[0].isdigit()


def test_a_problem_that_still_shows_and_one_that_is_over() -> None:
    """The AUC was low at steps 200 and 250, and the masked accuracy is low since step 300."""
    lines = [evaluated(200, auc=0.51), evaluated(250, auc=0.50), evaluated(300, masked_accuracy=0.01)]
    found = judged(*lines, evaluated(350, masked_accuracy=0.02))
    assert [(one.rule, one.step, one.until) for one in found.findings] == [
        ("generator", 300, None),
        ("discriminator", 200, 300),
    ]
    still, over = map(str, found.findings)
    assert still.startswith("problem from step 300: the generator predicts 2.0% of the masked tokens")
    assert over.startswith("problem from step 200, over at step 300: the discriminator's AUC is 0.500")
    assert over.endswith("usual help: " + found.findings[1].help.removeprefix("usual help: "))
    assert found.summary == "1 problem at step 350"


def test_the_order_of_the_lines_does_not_matter() -> None:
    lines = [evaluated(200, auc=0.51), evaluated(250), evaluated(300, auc=0.5)]
    assert judged(*lines[::-1]) == judged(*lines)


def test_while_a_run_trains_each_rule_is_named_once() -> None:
    watch, lines, named = Watch(load("tiny")), [], []
    for line in (
        evaluated(0, auc=0.5),  # too early
        evaluated(250, auc=0.5),
        evaluated(300, auc=0.5),
        evaluated(350),
        evaluated(400, auc=0.5, masked_accuracy=0.0),
    ):
        lines.append(line)
        named.append([finding.rule for finding in watch.new(lines)])
    assert named == [[], ["discriminator"], [], [], ["generator"]]
    assert watch.new([]) == []


def test_what_is_over_is_not_named_when_a_run_is_resumed() -> None:
    assert Watch(load("tiny")).new([evaluated(250, auc=0.5), evaluated(300)]) == []


@pytest.mark.parametrize(("severity", "word"), [("problem", "warning"), ("cost", "warning"), ("note", "note")])
def test_the_line_of_a_run_that_trains(severity: str, word: str) -> None:
    finding = Finding("rule", severity, 5, "It is so", "do this")  # type: ignore[arg-type]  a word of the table
    assert finding.announcement == f"{word}: It is so; do this"
