"""Marks of missing labels are told from labels."""

from __future__ import annotations

from typing import Any

import pytest

from pretrain.evaluation.tasks.reading.marks import hidden, is_missing


def num_hidden(train: list[Any], test: list[Any], missing_label: Any = "auto") -> tuple[int, int, str]:
    notes: list[str] = []
    masks = hidden({"train": train, "test": test}, missing_label, notes)
    return sum(masks["train"]), sum(masks["test"]), "; ".join(notes)


def test_minus_one_in_training_is_a_class_unless_it_cannot_be() -> None:
    sentiment = [-1.0, 0.0, 1.0] * 20
    train, test, notes = num_hidden(sentiment, sentiment)
    assert (train, test) == (0, 0) and "-1 counts as a class, with 20 records (missing_label=-1" in notes
    # Rare among 0, 1, 2, as in SNLI; among numbers with a fraction; among names; and where negative numbers are usual.
    assert num_hidden([0.0, 1.0, 2.0] * 100 + [-1.0] * 3, [0.0, 1.0])[0] == 3
    assert num_hidden([0.5, 4.0, -1.0], [0.5, 1.0])[0] == 1
    assert num_hidden(["a", "b", -1.0], ["a"])[0] == 1
    assert num_hidden([-2.0, 0.5, -1.0], [0.5, 1.0])[0] == 0
    assert num_hidden([1.0] * 60 + [-1.0], [1.0])[0] == 0  # else there would be a single class


def test_a_dash_is_no_label_where_two_others_are() -> None:
    """SNLI and OCNLI have it in all files where annotators disagree."""
    train, test, notes = num_hidden([*"abc"] * 9 + ["-"], ["a", "-", "b"])
    assert (train, test) == (1, 1)
    assert "train: 1 records with the label - count as unlabelled (missing_label=none takes every label" in notes
    assert num_hidden([*"abc"] * 9 + ["-"], ["a", "-", "b"], "none")[:2] == (0, 0)
    assert num_hidden([*"+-"] * 9, [*"+-"])[:2] == (0, 0)


def test_a_word_that_training_has_is_a_class() -> None:
    assert num_hidden(["yes", "unknown"] * 9, ["yes", "unknown"])[:2] == (0, 0)
    assert num_hidden(["yes", "no"] * 9, ["yes", "unknown"])[:2] == (0, 1)


def test_a_constant_split_counts_as_unlabelled_when_it_cannot_be_by_chance() -> None:
    assert num_hidden(["a", "b"] * 9, ["a"] * 60)[1] == 60
    assert num_hidden(["a", "b"] * 9, ["a"] * 3)[1] == 0
    assert num_hidden(["a"] * 99 + ["b"], ["a"] * 60)[1] == 0
    assert num_hidden([0.0, 0.5, 1.0, 2.5] * 9, [0.0] * 30)[1] == 30
    assert "missing_label=none" in num_hidden(["a", "b"] * 9, ["a"] * 60)[2]


@pytest.mark.parametrize("mark", [-1, "-1", -1.0])
def test_the_user_decides(mark: Any) -> None:
    sentiment = [-1.0, 0.0, 1.0] * 20
    assert num_hidden(sentiment, sentiment, mark)[:2] == (20, 20)
    assert num_hidden(["a", "b"] * 9, ["a"] * 60, "none")[1] == 0
    assert num_hidden(["a", "b"] * 9, ["a"] * 60, "b")[:2] == (9, 0)


def test_answers_and_lists_are_never_marks() -> None:
    assert all(map(is_missing, (None, "", -1, "-1", -1.0, "Unknown", float("nan"))))
    assert not any(map(is_missing, ([], {}, 0, "0", [-1], "-")))
