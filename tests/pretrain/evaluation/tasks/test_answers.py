"""Answers are scored by the published rules, with numbers worked by hand."""

from __future__ import annotations

import pytest

from pretrain.evaluation.tasks.answers import score_answers


def test_english_answers_by_the_rules_of_squad() -> None:
    assert score_answers(["The Red cross!"], [["red cross"]]) == {"f1": 1, "exact_match": 1}
    # of "red cross" and "red blue sea" one word is shared: 2 * 1 / 5
    assert score_answers(["red cross"], [["red blue sea"]]) == {"f1": pytest.approx(0.4), "exact_match": 0}
    assert score_answers(["x", ""], [["y", "x"], ["z"]]) == {"f1": 0.5, "exact_match": 0.5}


def test_chinese_answers_by_the_rules_of_cmrc() -> None:
    assert score_answers(["《红楼梦》"], [["红楼梦"]]) == {"f1": 1, "exact_match": 1}
    # the longest run that both share is 楼梦, two of 3 and of 4 characters; in any order it would be three
    assert score_answers(["梦楼梦"], [["红楼梦梦"]])["f1"] == pytest.approx(2 * 2 / 7)
    # ELECTRA is one piece
    assert score_answers(["ELECTRA模型"], [["electra"]])["f1"] == pytest.approx(2 * 1 / (3 + 1))
    assert score_answers(["electra 模型"], [["ELECTRA 模型 好"]])["f1"] == pytest.approx(2 * 3 / 7)


def test_traditional_characters_are_chinese() -> None:
    assert score_answers(["《紅樓夢》"], [["紅樓夢"]]) == {"f1": 1, "exact_match": 1}
    assert score_answers(["紅樓"], [["紅樓夢"]])["f1"] == pytest.approx(2 * 2 / 5)


def test_a_chinese_question_may_have_an_answer_without_a_chinese_character() -> None:
    assert score_answers(["1945年"], [["1945"]])["f1"] == pytest.approx(2 * 1 / (2 + 1))
    assert score_answers(["《1945》"], [["1945", "1945年"]]) == {"f1": 1, "exact_match": 1}


def test_questions_without_an_answer() -> None:
    """SQuAD 2.0's: no answer is right where there is none, and given up where doubt is above 0."""
    right = [["sea"], [], ["red sea"], []]
    scores = score_answers(["the sea", "sea", "sea", "x"], right, [-3.0, -2.0, 1.0, 2.0])
    # Answered are the first, which is right, and the second, which has no answer. The third is given up, as the fourth.
    assert scores["exact_match"] == scores["f1"] == 2 / 4
    # Up to -3 one question is answered: 1, and both without an answer are right. Up to 1, f1 gains 2/3 but loses one.
    assert scores["best_exact_match"] == scores["best_f1"] == 3 / 4
    # The doubt of the second is greater than that of the third: 1 + 2/3 + 2.
    scores = score_answers(["the sea", "sea", "sea", "x"], right, [-3.0, 1.5, -1.0, 2.0])
    assert scores["best_f1"] == pytest.approx((1 + 2 / 3 + 2) / 4) and scores["best_exact_match"] == 3 / 4
    assert scores["f1"] == pytest.approx((1 + 1 + 2 / 3 + 1) / 4) and scores["exact_match"] == 3 / 4
    # Where every question has one, none is given up.
    assert score_answers(["sea"], [["sea"]], [5.0]) == {"f1": 1, "exact_match": 1}
    # Nothing may be best.
    assert score_answers(["x", "y"], [[], []], [-1.0, -1.0]) == {
        "f1": 0,
        "exact_match": 0,
        "best_f1": 1,
        "best_exact_match": 1,
    }
