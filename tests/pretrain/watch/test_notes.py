"""The notes on numbers that may frighten, from histories made by hand."""

from __future__ import annotations

import pytest

from tests.histories import evaluated, judged, trained


def _with_training(held_out: float, training: list[float]) -> list[dict]:
    lines = [trained(200 + number, masked_accuracy=value) for number, value in enumerate(training)]
    return [evaluated(0), *lines, evaluated(300, masked_accuracy=held_out)]


@pytest.mark.parametrize(
    ("held_out", "training", "is_named"),
    [
        (0.283, [0.19, 0.20, 0.21, 0.22, 0.23], True),  # the demo; the mean is .21
        (0.251, [0.21] * 5, False),  # a fifth of .21 is .042
        (0.253, [0.21] * 5, True),
        (0.167, [0.21] * 5, True),
        (0.169, [0.21] * 5, False),
        (0.21, [0.05, *[0.21] * 5], False),  # accuracy was lower before
    ],
)
def test_held_out_rows_that_differ_from_training(held_out: float, training: list[float], is_named: bool) -> None:
    sentence = judged("held-out rows differ", *_with_training(held_out, training))[300]
    assert bool(sentence) == is_named
    assert not is_named or sentence == (f"masked accuracy is {held_out:.1%} on held-out rows and 21.0% in training")


def test_a_falling_masking_rate_makes_training_and_held_out_rows_differ() -> None:
    falls = ("corruption.masking_rate_end=0.1", "corruption.masking_rate_steps=1000")
    assert judged("held-out rows differ", *_with_training(0.1, [0.21] * 5), overrides=falls) == {}


def test_too_few_lines_of_training_are_not_compared() -> None:
    assert judged("held-out rows differ", *_with_training(0.9, [0.21] * 4)) == {}


def test_a_low_recall_is_explained_with_the_best_threshold() -> None:
    best: dict = {"best_threshold": 0.17, "best_precision": 0.21, "best_recall": 0.55}
    lines = [
        evaluated(100, recall=0.0, **best),
        evaluated(200, recall=0.006, **best),
        evaluated(300, recall=0.1, **best),
    ]
    # A discriminator at chance is a problem, and a run of an earlier version has no best threshold.
    sentences = judged("recall", *lines, evaluated(400, recall=0.0, auc=0.51, **best), evaluated(500, recall=0.0))
    assert sentences == {200: sentences[200], 300: None, 400: None}
    assert sentences[200] == (
        "the discriminator gives a probability of one half to 0.6% of the replaced tokens; at 0.17, its best "
        "threshold, it finds 55.0% of them, and 21.0% of the tokens above are replaced"
    )
