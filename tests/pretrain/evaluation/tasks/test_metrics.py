"""The field's metrics by numbers worked by hand."""

from __future__ import annotations

import math

import pytest

from configs.common.errors import UserError
from pretrain.evaluation.tasks.entities import spans
from pretrain.evaluation.tasks.metrics import (
    main_metric,
    of_answers,
    of_choices,
    of_classes,
    of_numbers,
    of_sets,
    of_tags,
)


def test_classes() -> None:
    """Two of three positives found, one alarm: tp 2, fn 1, fp 1, tn 2."""
    found = of_classes(list("110100"), list("111000"), ("0", "1"))
    assert found["accuracy"] == pytest.approx(4 / 6)
    assert found["f1"] == pytest.approx(2 / 3)
    assert found["macro_f1"] == pytest.approx((2 / 3 + 2 / 3) / 2)
    assert found["matthews"] == pytest.approx((2 * 2 - 1 * 1) / math.sqrt(3 * 3 * 3 * 3))


def test_a_class_that_is_never_predicted_counts() -> None:
    found = of_classes(["a", "a", "b"], ["a", "c", "b"], ("a", "b", "c"))
    assert found["macro_f1"] == pytest.approx((2 / 3 + 1 + 0) / 3)
    assert "f1" not in found
    assert of_classes(["a", "a"], ["a", "b"], ("a", "b"))["matthews"] == 0


def test_numbers() -> None:
    """Ranks 1 3 2 4 beside 1 2 3 4: 1 - 6 * 2 / (4 * 15)."""
    found = of_numbers([0.1, 0.5, 0.2, 9.0], [1.0, 2.0, 3.0, 4.0])
    assert found["spearman"] == pytest.approx(0.8)
    assert of_numbers([1.0, 2.0, 3.0], [2.0, 4.0, 6.0])["pearson"] == pytest.approx(1)
    assert of_numbers([1.0, 1.0], [1.0, 2.0]) == {"spearman": 0, "pearson": 0}


def test_entities_as_conlleval_reads_them() -> None:
    assert spans(["B-x", "I-x", "O", "I-x", "B-x", "I-y"]) == {(0, 2, "x"), (3, 4, "x"), (4, 5, "x"), (5, 6, "y")}
    right = [["B-x", "I-x", "O", "B-y"], ["O", "B-x"]]
    predicted = [["B-x", "I-x", "O", "B-x"], ["O", "B-x"]]
    found = of_tags(predicted, right)  # two of three, one of them of another kind
    assert found == {name: pytest.approx(2 / 3) for name in ("f1", "precision", "recall")}
    assert of_tags([["O", "O"]], [["B-x", "O"]]) == {"f1": 0, "precision": 0, "recall": 0}


def test_other_tags_are_counted_one_by_one() -> None:
    found = of_tags([["NOUN", "VERB"], ["VERB"]], [["NOUN", "NOUN"], ["VERB"]])
    assert found["accuracy"] == pytest.approx(2 / 3)


def test_english_answers_by_the_rules_of_squad() -> None:
    assert of_answers(["The Red cross!"], [["red cross"]]) == {"f1": 1, "exact_match": 1}
    # of "red cross" and "red blue sea" one word is shared: 2 * 1 / 5
    assert of_answers(["red cross"], [["red blue sea"]]) == {"f1": pytest.approx(0.4), "exact_match": 0}
    assert of_answers(["x", ""], [["y", "x"], ["z"]]) == {"f1": 0.5, "exact_match": 0.5}


def test_chinese_answers_by_the_rules_of_cmrc() -> None:
    assert of_answers(["《红楼梦》"], [["红楼梦"]]) == {"f1": 1, "exact_match": 1}
    # the longest run that both share is 楼梦, two of 3 and of 4 characters; in any order it would be three
    assert of_answers(["梦楼梦"], [["红楼梦梦"]])["f1"] == pytest.approx(2 * 2 / 7)
    # ELECTRA is one piece
    assert of_answers(["ELECTRA模型"], [["electra"]])["f1"] == 0
    assert of_answers(["electra 模型"], [["ELECTRA 模型 好"]])["f1"] == pytest.approx(2 * 3 / 7)


def test_traditional_characters_are_chinese() -> None:
    assert of_answers(["《紅樓夢》"], [["紅樓夢"]]) == {"f1": 1, "exact_match": 1}
    assert of_answers(["紅樓"], [["紅樓夢"]])["f1"] == pytest.approx(2 * 2 / 5)


def test_questions_without_an_answer() -> None:
    """SQuAD 2.0's: no answer is right where there is none, and given up where doubt is above 0."""
    right = [["sea"], [], ["red sea"], []]
    found = of_answers(["the sea", "sea", "sea", "x"], right, [-3.0, -2.0, 1.0, 2.0])
    # Answered are the first, which is right, and the second, which has no answer. The third is given up, as the fourth.
    assert found["exact_match"] == found["f1"] == 2 / 4
    # Up to -3 one question is answered: 1, and both without an answer are right. Up to 1, f1 gains 2/3 but loses one.
    assert found["best_exact_match"] == found["best_f1"] == 3 / 4
    # The doubt of the second is greater than that of the third: 1 + 2/3 + 2.
    found = of_answers(["the sea", "sea", "sea", "x"], right, [-3.0, 1.5, -1.0, 2.0])
    assert found["best_f1"] == pytest.approx((1 + 2 / 3 + 2) / 4) and found["best_exact_match"] == 3 / 4
    assert found["f1"] == pytest.approx((1 + 1 + 2 / 3 + 1) / 4) and found["exact_match"] == 3 / 4
    # Where every question has one, none is given up.
    assert of_answers(["sea"], [["sea"]], [5.0]) == {"f1": 1, "exact_match": 1}
    # Nothing may be best.
    assert of_answers(["x", "y"], [[], []], [-1.0, -1.0]) == {
        "f1": 0,
        "exact_match": 0,
        "best_f1": 1,
        "best_exact_match": 1,
    }


def test_sets() -> None:
    """Two found of three, among four that were said; what is said of one text counts for no other."""
    found = of_sets([{"a", "b"}, {"c", "d"}], [{"a"}, {"d", "e"}])
    assert found == {"f1": pytest.approx(2 * 2 / 7), "precision": 0.5, "recall": pytest.approx(2 / 3)}
    assert of_sets([{"a"}, set()], [set(), {"a"}]) == {"f1": 0, "precision": 0, "recall": 0}


def test_choices() -> None:
    assert of_choices([0, 2, 1, 1], [0, 2, 1, 3]) == {"accuracy": 0.75}


def test_what_a_task_is_judged_by() -> None:
    found = ["accuracy", "matthews", "f1"]
    assert [main_metric(name, found) for name in ("CoLA", "mine", "MRPC")] == ["matthews", "accuracy", "f1"]
    assert main_metric("mine", found, "f1") == "f1"
    with pytest.raises(UserError, match="metric: 'bleu' is not measured for mine; there are accuracy, matthews, f1"):
        main_metric("mine", found, "bleu")
