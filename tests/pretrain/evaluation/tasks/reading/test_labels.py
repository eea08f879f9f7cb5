"""Labels as they are found in files, and what they are taken for."""

from __future__ import annotations

from typing import Any

import pytest

from configs.common.errors import UserError
from pretrain.evaluation.tasks.reading.labels import parse_label, resolve_labels
from pretrain.evaluation.tasks.reading.options import ReadingOptions
from pretrain.evaluation.tasks.reading.task import LabelSet


def resolve(train: list[Any], dev: list[Any] | None = None, **options: Any) -> tuple[list[Any], list[Any], str]:
    """The targets of both splits, and the notes."""
    notes: list[str] = []
    splits = {"train": train, "dev": train if dev is None else dev}
    parsed = {name: [parse_label(value) for value in values] for name, values in splits.items()}
    targets = resolve_labels(parsed, ReadingOptions(**options), [], notes)
    return targets["train"], targets["dev"], "; ".join(notes)


UNDERSTOOD = {
    "whole numbers are classes": ([0, 1, 2], ["0", "1", "2"]),
    "whole numbers as text are classes": (["0", "1"], ["0", "1"]),
    "numbers with a fraction are numbers": ([1.5, 2.25], [1.5, 2.25]),
    "numbers with a fraction as text are numbers": (["1.5", "2.25", "0"], [1.5, 2.25, 0.0]),
    "whole and fractional numbers are numbers": ([5, 3.8, 0], [5.0, 3.8, 0.0]),
    "whole and fractional numbers as text are numbers": (["5", "3.8", "-1.5"], [5.0, 3.8, -1.5]),
    "exponents are numbers": (["1e-3", "0.5", "2"], [0.001, 0.5, 2.0]),
    "many whole numbers written as fractions are numbers": ([0.0, 1.0, 2.0], [0.0, 1.0, 2.0]),
    "0.0 and 1.0 are classes, as pandas writes them beside an empty cell": ([0.0, 1.0, None], ["0", "1", None]),
    "codes with leading zeros are names": (["001", "01", "1"], ["001", "01", "1"]),
    "numbers among names are names": (["1", "2", "other"], ["1", "2", "other"]),
    "versions among names stay as they are": (["1.50", "1.5", "other"], ["1.50", "1.5", "other"]),
    "blanks around names do not matter": ([" yes", "no "], ["yes", "no"]),
    "plus and minus are classes": (["+", "-", "+"], ["+", "-", "+"]),
    "a - beside two classes is no label": (["yes", "no", "-"], ["yes", "no", None]),
    "a - among numbers is no label": ([0, 1, "-"], ["0", "1", None]),
    "true and false are classes": ([True, False], ["True", "False"]),
    "1 and a rare -1 are classes": ([1] * 30 + [-1], ["1"] * 30 + ["-1"]),
    "-1, 0 and 1 are classes": ([-1, 0, 1], ["-1", "0", "1"]),
    "lists are sets of classes": ([["b", "a"], [], ["c"]], [("a", "b"), (), ("c",)]),
    "lists as pandas writes them": (["['b', 'a']", "[]", "['c']"], [("a", "b"), (), ("c",)]),
    "lists of numbers of classes": ([[3, 7], [10]], [("3", "7"), ("10",)]),
    "a name among lists is a list of one": (["a", ["b", "a"]], [("a",), ("a", "b")]),
    "zeros and ones": ([[0, 1, 1], [1, 0, 0], [0, 0, 0]], [("1", "2"), ("0",), ()]),
    "zeros and ones as fractions": ([[0.0, 1.0, 1.0], [1.0, 0.0, 0.0]], [("1", "2"), ("0",)]),
    "lists with a single class each are classes": ([["a"], ["b"]], ["a", "b"]),
    "vectors with a single one each are classes": ([[1, 0, 0], [0, 0, 1]], ["0", "2"]),
    "names in brackets are names": (["[other]", "yes"], ["[other]", "yes"]),
    "no agreement, empty and NaN are no label": (["a", "b", "-", "", float("nan")], ["a", "b", None, None, None]),
}


@pytest.mark.parametrize("case", UNDERSTOOD)
def test_labels_are_understood(case: str) -> None:
    labels, expected = UNDERSTOOD[case]
    wanted = [LabelSet(target) if isinstance(target, tuple) else target for target in expected]
    train, dev, _ = resolve(labels)
    assert train == dev == wanted and [type(target) for target in train] == [type(target) for target in wanted]


def test_files_of_several_formats_agree() -> None:
    train, dev, _ = resolve([0, 1, 2], ["0", "1.0", "2"])
    assert train == dev == ["0", "1", "2"]


def test_what_was_decided_is_said_with_the_key_that_overrides_it() -> None:
    assert "kind=classes" in resolve([1, 2.5])[2]
    assert resolve([1, 2.5], kind="classes")[0] == ["1", "2.5"]
    assert "read as a class" in resolve([1, 2, 3])[2]
    assert resolve([1, 2, 3], kind="number")[0] == [1.0, 2.0, 3.0]
    assert "kind=multilabel" in resolve([["a"], ["b"]])[2]
    assert resolve([["a"], ["b"]], kind="multilabel")[0] == [LabelSet(("a",)), LabelSet(("b",))]
    assert "have ';' in their name" in resolve(["a;b", "a", "b"])[2]
    assert "nothing to learn" in resolve(["a", "a"])[2]
    assert "nothing to learn" in resolve([["a", "b"], ["b", "a"]])[2]


def test_nearly_as_many_classes_as_records_are_no_classification() -> None:
    values = [f"sentence {number}" for number in range(40)]
    for labels in (values, list(range(40))):
        with pytest.raises(UserError, match=r"have 40 different values in 40 records, such as .* no classification"):
            resolve(labels)
    assert resolve(values, kind="classes")[0] == values
    # As many classes as half of the records, or few records in all, are a task.
    resolve([f"class {number // 2}" for number in range(40)])
    resolve(values[:10])


def test_what_cannot_be_a_label_is_refused() -> None:
    for value in ({"a": 1}, [["a"]], [None]):
        with pytest.raises(ValueError, match="the label"):
            parse_label(value)
    with pytest.raises(UserError, match="kind=number: the label 'a' is no number"):
        resolve(["1.5", "a"], kind="number")
    with pytest.raises(UserError, match="is not finite"):
        resolve([1.5, float("inf"), 2.0])
