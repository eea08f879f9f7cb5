"""The field's metrics, with numbers worked by hand."""

from __future__ import annotations

import math

import pytest

from pretrain.evaluation.tasks.metrics import (
    score_choices,
    score_classes,
    score_label_sets,
    score_numbers,
    score_sets,
    score_tags,
)


def test_classes() -> None:
    """Two of three positives found, one alarm: tp 2, fn 1, fp 1, tn 2."""
    scores = score_classes(list("110100"), list("111000"), ("0", "1"))
    assert scores["accuracy"] == pytest.approx(4 / 6)
    assert scores["f1"] == pytest.approx(2 / 3)
    assert scores["macro_f1"] == pytest.approx((2 / 3 + 2 / 3) / 2)
    assert scores["matthews"] == pytest.approx((2 * 2 - 1 * 1) / math.sqrt(3 * 3 * 3 * 3))


def test_a_class_that_is_never_predicted_counts() -> None:
    scores = score_classes(["a", "a", "b"], ["a", "c", "b"], ("a", "b", "c"))
    assert scores["macro_f1"] == pytest.approx((2 / 3 + 1 + 0) / 3)
    assert "f1" not in scores
    assert score_classes(["a", "a"], ["a", "b"], ("a", "b"))["matthews"] == 0


def test_a_class_that_the_held_out_file_lacks_does_not_count() -> None:
    """As in scikit-learn: a model without an error has 1, whatever other classes training has."""
    assert score_classes([*"aabbcc"], [*"aabbcc"], [*"abcde"])["macro_f1"] == 1
    assert score_classes([*"aabbca"], [*"aabbcc"], [*"abcde"])["macro_f1"] == pytest.approx((4 / 5 + 1 + 2 / 3) / 3)
    assert score_classes([*"aabbcd"], [*"aabbcc"], [*"abcde"])["macro_f1"] == pytest.approx((1 + 1 + 2 / 3 + 0) / 4)


def test_numbers() -> None:
    """Ranks 1 3 2 4 beside 1 2 3 4: 1 - 6 * 2 / (4 * 15)."""
    scores = score_numbers([0.1, 0.5, 0.2, 9.0], [1.0, 2.0, 3.0, 4.0])
    assert scores["spearman"] == pytest.approx(0.8)
    assert score_numbers([1.0, 2.0, 3.0], [2.0, 4.0, 6.0])["pearson"] == pytest.approx(1)
    assert score_numbers([1.0, 1.0], [1.0, 2.0]) == {"spearman": 0, "pearson": 0}


def test_entities_as_conlleval_reads_them() -> None:
    # An I- after another tag begins an entity: of four here, a prediction without the last is three of four.
    tags = ["B-x", "I-x", "O", "I-x", "B-x", "I-y"]
    assert score_tags([[*tags[:5], "O"]], [tags]) == {"f1": pytest.approx(6 / 7), "precision": 1, "recall": 0.75}
    right = [["B-x", "I-x", "O", "B-y"], ["O", "B-x"]]
    predicted = [["B-x", "I-x", "O", "B-x"], ["O", "B-x"]]
    scores = score_tags(predicted, right)  # two of three, one of them of another kind
    assert scores == {name: pytest.approx(2 / 3) for name in ("f1", "precision", "recall")}
    assert score_tags([["O", "O"]], [["B-x", "O"]]) == {"f1": 0, "precision": 0, "recall": 0}


def test_other_tags_are_counted_one_by_one() -> None:
    scores = score_tags([["NOUN", "VERB"], ["VERB"]], [["NOUN", "NOUN"], ["VERB"]])
    assert scores["accuracy"] == pytest.approx(2 / 3)


def test_sets() -> None:
    """Two found of three, among four that were said; what is said of one text counts for no other."""
    scores = score_sets([{"a", "b"}, {"c", "d"}], [{"a"}, {"d", "e"}])
    assert scores == {"f1": pytest.approx(2 * 2 / 7), "precision": 0.5, "recall": pytest.approx(2 / 3)}
    assert score_sets([{"a"}, set()], [set(), {"a"}]) == {"f1": 0, "precision": 0, "recall": 0}


def test_choices() -> None:
    assert score_choices([0, 2, 1, 1], [0, 2, 1, 3]) == {"accuracy": 0.75}


def test_sets_of_labels() -> None:
    """Of label a one hit and one alarm, of b one hit and one miss, c never: F1 2/3, 2/3 and 0; two texts are right."""
    scores = score_label_sets([{"a", "b"}, {"a"}, set(), set()], [{"a", "b"}, set(), {"b"}, set()], ("a", "b", "c"))
    assert scores["micro_f1"] == pytest.approx(2 * 2 / (3 + 3))
    assert scores["macro_f1"] == pytest.approx((2 / 3 + 2 / 3 + 0) / 3)
    assert scores["exact_match"] == 0.5
