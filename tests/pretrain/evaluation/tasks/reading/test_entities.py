"""Entities become one tag for each character, in both published forms."""

from __future__ import annotations

from typing import Any

import pytest

from pretrain.evaluation.tasks.reading.entities import entity_tags

TEXT = "北京大学在北京"


def cmeee(*entities: tuple[int, str, str]) -> list[dict[str, Any]]:
    return [{"start_idx": start, "entity": entity, "type": kind} for start, entity, kind in entities]


@pytest.mark.parametrize(
    ("entities", "tags"),
    [
        ([], "O O O O O O O"),
        (cmeee((5, "北京", "LOC")), "O O O O O B-LOC I-LOC"),
        ({"LOC": {"北京": [[5, 6]]}}, "O O O O O B-LOC I-LOC"),
        (cmeee((4, "在", "P")), "O O O O B-P O O"),
        # Where entities overlap, the longest is taken, in whatever order they are listed.
        (cmeee((0, "北京", "LOC"), (0, "北京大学", "ORG")), "B-ORG I-ORG I-ORG I-ORG O O O"),
        (cmeee((0, "北京大学", "ORG"), (2, "大学", "KIND")), "B-ORG I-ORG I-ORG I-ORG O O O"),
        # Of two entities of the same length, the first in the text is taken.
        (cmeee((1, "京大", "B"), (0, "北京", "A")), "B-A I-A O O O O O"),
        ({"LOC": {"北京": [[0, 1], [5, 6]]}}, "B-LOC I-LOC O O O B-LOC I-LOC"),
    ],
)
def test_tags_by_hand(entities: Any, tags: str) -> None:
    assert entity_tags(TEXT, entities) == (tuple(TEXT), tuple(tags.split()))


def test_hidden_entities_give_no_tags() -> None:
    assert entity_tags(TEXT, -1) == (tuple(TEXT), None)


@pytest.mark.parametrize("entity", [(1, "北京", "LOC"), (7, "北京", "LOC"), (0, "", "LOC")])
def test_an_entity_that_is_not_in_the_text_is_refused(entity: tuple[int, str, str]) -> None:
    with pytest.raises(ValueError, match=f"is not at character {entity[0]} of its text"):
        entity_tags(TEXT, cmeee(entity))
