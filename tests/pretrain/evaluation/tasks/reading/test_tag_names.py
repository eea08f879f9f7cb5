"""Tags by name, by number, and in the schemes that published files use."""

from __future__ import annotations

from typing import Any

import pytest

from configs.common.errors import UserError
from pretrain.evaluation.tasks.reading.tag_names import resolve_tags


def resolve(train: Any, dev: Any = None, names: Any = ()) -> tuple[Any, Any, str]:
    notes: list[str] = []
    tags = resolve_tags({"train": train, "dev": train if dev is None else dev}, names, notes)
    return tags["train"], tags["dev"], "; ".join(notes)


def test_numbers_take_the_declared_names() -> None:
    assert resolve([(0, 1), ("2", 0)], names=["O", "X", "Y"])[0] == [("O", "X"), ("Y", "O")]
    with pytest.raises(UserError, match="the tag 3 is outside of the 3 declared names"):
        resolve([(0, 3)], names=["O", "X", "Y"])


def test_numbers_without_names_are_read_where_training_proves_the_order() -> None:
    train, _, notes = resolve([(0, 1, 2, 0), (3, 4, 4, 1)])
    assert train == [("O", "B-1", "I-1", "O"), ("B-2", "I-2", "I-2", "B-1")]
    assert "labels.txt with a name in each line overrides this" in notes
    for tags in ([(0, 2, 1)], [(0, 1, 3)], [(0, 1, 2), (3, 2)]):  # 2 follows 0; no even number; 2 follows 3
        with pytest.raises(UserError, match=r"their names are not known; add labels\.txt"):
            resolve(tags)
    with pytest.raises(UserError, match="some tags are numbers and others are names"):
        resolve([(0, "B-x")])


@pytest.mark.parametrize("scheme", ["B M E S", "B I E S", "B I L U"])
def test_other_schemes_become_b_and_i(scheme: str) -> None:
    begin, inside, end, single = scheme.split()
    tags = tuple(f"{mark}-x" for mark in (begin, inside, end, single))
    train, _, notes = resolve([("O", *tags)])
    assert train == [("O", "B-x", "I-x", "I-x", "B-x")] and "are read as B and I" in notes


def test_other_tags_stay() -> None:
    for tags in (("NOUN", "VERB"), ("B-x", "I-x", "O"), ("S-x", "NOUN")):
        assert resolve([tags])[0] == [tags]


def test_ignored_and_hidden_tags() -> None:
    training_tags = [("B-x", "O")] * 3
    assert resolve(training_tags, [(-100, -100), ("B-x", "O")])[1] == [None, ("B-x", "O")]
    for hidden in ("O", "_"):
        assert resolve(training_tags, [(hidden, hidden)] * 3)[1] == [None] * 3
