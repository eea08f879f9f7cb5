"""The tags of words as they stand in files become the tags that are trained: B-KIND, I-KIND and O for entities."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from configs.common.errors import UserError
from pretrain.evaluation.tasks.reading.entities import OUTSIDE

RawTags = Sequence[Any]  # the tags of one record: names, or numbers
# The other ways to mark the words of an entity: BMES, BIOES and BILOU.
_SCHEMES = re.compile(r"O|[BIMESLU]-.+")
_TO_BIO = {"B": "B", "I": "I", "M": "I", "E": "I", "L": "I", "S": "B", "U": "B"}


def resolve_tags(
    tags: Mapping[str, Sequence[RawTags | None]], names: Sequence[str], notes: list[str]
) -> dict[str, list[tuple[str, ...] | None]]:
    """The tags of each record by split, as names; None where a record has none.

    `names` are the declared names of tags by number. Raises UserError for numbers whose names cannot be known.
    """
    known = {split: [_without_ignored(record) for record in records] for split, records in tags.items()}
    if any(_is_number(tag) for tag in _flat(known)):
        known = _named(known, names, notes)
    texts = {
        split: [None if record is None else tuple(map(str, record)) for record in records]
        for split, records in known.items()
    }
    return _to_bio(_without_hidden_splits(texts, notes), notes)


def _without_ignored(record: RawTags | None) -> RawTags | None:
    """Replace a record by None if all its tags are -100, which torch and `datasets` ignore."""
    return None if record is None or all(str(tag) == "-100" for tag in record) else record


def _is_number(tag: Any) -> bool:
    return isinstance(tag, int) or (isinstance(tag, str) and tag.isdecimal())


def _flat(tags: Mapping[str, Sequence[RawTags | None]]) -> list[Any]:
    return [tag for records in tags.values() for record in records if record is not None for tag in record]


def _named(
    tags: Mapping[str, Sequence[RawTags | None]], names: Sequence[str], notes: list[str]
) -> dict[str, list[RawTags | None]]:
    if not all(_is_number(tag) for tag in _flat(tags)):
        raise UserError("some tags are numbers and others are names; write all tags as names")
    numbers = {
        split: [None if record is None else [int(tag) for tag in record] for record in records]
        for split, records in tags.items()
    }
    highest = max(_flat(numbers))
    if not names:
        _check_pairs(numbers["train"])
        names = [OUTSIDE, *(f"{mark}-{kind}" for kind in range(1, highest // 2 + 2) for mark in "BI")]
        notes.append(
            "tags are numbers without names, read as 0 outside, odd numbers at the beginning of an entity and even "
            "numbers inside of it, which all of train agrees with; labels.txt with a name in each line overrides this"
        )
    if highest >= len(names):
        raise UserError(f"the tag {highest} is outside of the {len(names)} declared names of tags")
    return {
        split: [None if record is None else [names[number] for number in record] for record in records]
        for split, records in numbers.items()
    }


def _check_pairs(records: Sequence[Sequence[int] | None]) -> None:
    """Raises UserError unless every even number follows itself or the odd number below, as in `datasets`' exports."""
    evidence = False
    for record in records:
        for before, tag in zip([0, *(record or ())], record or (), strict=False):
            if tag and tag % 2 == 0:
                evidence = True
                if before not in (tag, tag - 1):
                    evidence = False
                    break
        else:
            continue
        break
    if not evidence:
        raise UserError(
            "tags are numbers, and their names are not known; add labels.txt with the name of each, in order"
        )


def _without_hidden_splits(
    tags: Mapping[str, Sequence[tuple[str, ...] | None]], notes: list[str]
) -> dict[str, list[tuple[str, ...] | None]]:
    """A held-out split without any entity, or with a single tag that training does not have, counts as unlabelled."""
    train = set(_flat({"train": tags["train"]}))
    shown: dict[str, list[tuple[str, ...] | None]] = {}
    for split, records in tags.items():
        values = set(_flat({split: records}))
        hides = split != "train" and len(values) == 1 and (values == {OUTSIDE} or not values & train) and len(train) > 1
        if hides:
            notes.append(f"{split}: all tags are {values.pop()}, so it counts as unlabelled")
        shown[split] = [None] * len(records) if hides else [*records]
    return shown


def _to_bio(tags: dict[str, list[tuple[str, ...] | None]], notes: list[str]) -> dict[str, list[tuple[str, ...] | None]]:
    """Convert BMES, BIOES and BILOU to B-, I- and O, which metrics and published numbers use.

    Other tags are returned unchanged.
    """
    values = set(_flat(tags))
    marks = {tag.partition("-")[0] for tag in values}
    if not all(_SCHEMES.fullmatch(tag) for tag in values) or marks <= {"B", "I", "O"}:
        return tags
    notes.append(f"tags {', '.join(sorted(marks - {'B', 'I', 'O'}))} at the edge of entities are read as B and I")
    return {
        split: [None if record is None else tuple(map(_bio, record)) for record in records]
        for split, records in tags.items()
    }


def _bio(tag: str) -> str:
    mark, dash, kind = tag.partition("-")
    return tag if tag == OUTSIDE else f"{_TO_BIO[mark]}{dash}{kind}"
