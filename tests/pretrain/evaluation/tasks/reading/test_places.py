"""Answers are placed where they stand."""

from __future__ import annotations

from pretrain.evaluation.tasks.reading.places import with_valid_places
from pretrain.evaluation.tasks.reading.task import Answer, Answers, LabelledExample


def question(*answers: Answer) -> LabelledExample:
    return LabelledExample("who", "the nurse saw the nurse", (), Answers(answers))


def test_a_misplaced_answer_moves_to_its_nearest_occurrence() -> None:
    notes: list[str] = []
    right, wrong, none = question(Answer("nurse", 4)), question(Answer("nurse", 15)), question()
    assert with_valid_places("train", [right, wrong, none], notes) == [right, question(Answer("nurse", 18)), none]
    assert notes == ["train: in 1 records an answer is moved to where it stands in its context"]


def test_an_answer_that_is_nowhere_cannot_be_trained_but_compared() -> None:
    absent = question(Answer("doctor", 4))
    for split, kept in (("train", []), ("dev", [absent])):
        notes: list[str] = []
        assert with_valid_places(split, [absent], notes) == kept
        assert "1 records whose answers are nowhere in their context" in notes[0]


def test_every_answer_of_a_held_out_question_is_compared() -> None:
    several = question(Answer("the nurse", -1), Answer("nurse", 4), Answer("a nurse", 0))
    (trained,) = with_valid_places("train", [several], [])
    assert trained == question(Answer("the nurse", 0), Answer("nurse", 4))
    (compared,) = with_valid_places("dev", [several], [])
    assert compared == question(Answer("the nurse", 0), Answer("nurse", 4), Answer("a nurse", 0))
