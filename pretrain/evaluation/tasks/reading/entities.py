"""Entities as tags of characters and back: B-KIND where one begins, I-KIND where it goes on, O elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

OUTSIDE = "O"


def tagged(text: str, entities: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The characters of a text and their tags, from the entities of CMeEE or of CLUENER.

    Tags are flat: of entities that overlap, the longest is taken. Raises ValueError for one that is not in the text.
    """
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
            for kind, found in entities.items()
            for entity, places in found.items()
            for place in places
        ]
    else:
        listed = [(entity["entity"], int(entity["start_idx"]), entity["type"]) for entity in entities]
    for entity, start, kind in listed:
        if not entity or text[start : start + len(entity)] != entity:
            raise ValueError(f"the entity {entity!r} is not at character {start} of its text")
        yield len(entity), start, kind


def spans(tags: Sequence[str]) -> set[tuple[int, int, str]]:
    """(start, end, kind) as conlleval reads tags: I- after something else begins an entity as well."""
    found, start, kind = set[tuple[int, int, str]](), 0, ""
    for place, tag in enumerate([*tags, OUTSIDE]):
        mark, _, name = tag.partition("-")
        if kind and (mark != "I" or name != kind):
            found.add((start, place, kind))
            kind = ""
        if mark in ("B", "I") and not kind:
            start, kind = place, name
    return found
