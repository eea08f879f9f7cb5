"""Entities as tags of characters: B-KIND where an entity begins, I-KIND inside of it, O elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pretrain.evaluation.tasks.reading.marks import is_missing

OUTSIDE = "O"


def entity_tags(text: str, entities: Any) -> tuple[tuple[str, ...], tuple[str, ...] | None]:
    """The characters of a text and their tags, from the entities of CMeEE or of CLUENER.

    Tags are flat: where entities overlap, the longest is taken. A mark of missing entities, such as -1, gives no tags.
    Raises ValueError for an entity that is not in the text.
    """
    if is_missing(entities):
        return tuple(text), None
    tags = [OUTSIDE] * len(text)
    for length, start, kind in sorted(_spans(text, entities), key=lambda span: (-span[0], span[1])):
        if all(tag == OUTSIDE for tag in tags[start : start + length]):
            tags[start : start + length] = [f"B-{kind}", *[f"I-{kind}"] * (length - 1)]
    return tuple(text), tuple(tags)


def _spans(text: str, entities: Any) -> Iterable[tuple[int, int, str]]:
    """(length, start, kind) from [{start_idx, entity, type}] (CMeEE) or {kind: {entity: [[start, end]]}} (CLUENER)."""
    if isinstance(entities, dict):
        listed = [
            (entity, place[0], kind)
            for kind, by_name in entities.items()
            for entity, places in by_name.items()
            for place in places
        ]
    else:
        listed = [(entity["entity"], int(entity["start_idx"]), entity["type"]) for entity in entities]
    for entity, start, kind in listed:
        if not entity or text[start : start + len(entity)] != entity:
            raise ValueError(f"the entity {entity!r} is not at character {start} of its text")
        yield len(entity), start, kind
