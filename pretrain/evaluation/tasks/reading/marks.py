"""Labels that stand for "unknown", as in the test files of competitions, are told from real labels.

A mark counts as a label only where training shows it as a label. A held-out split counts as unlabelled when all of its
labels are one value that training does not have, or that so many records cannot have by chance.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

Key = Any  # a hashable label: a string, a number, or a tuple of those
Keys = Mapping[str, Sequence[Key | None]]  # split -> labels, None where a record has none

_MARKS = frozenset(("unknown", "unlabelled", "unlabeled", "none", "null", "nan", "n/a", "na", "?", "??", "hidden"))
# SNLI and OCNLI have this label where annotators disagree, also in training. A word may have it as its tag.
DISAGREEMENT = "-"
_OVERRIDE = "missing_label=none takes every label as it is"
# A split whose labels agree by chance with less than this probability is not labelled.
_IMPROBABLE = 1e-6
# Among classes 0, 1, ... of training, -1 is a mark when it is rarer than this share of the mean class.
_RARE = 0.1


def is_missing(value: Any) -> bool:
    """Whether a field that should hold answers, tags, entities, relations, terms or a choice holds a mark instead."""
    if isinstance(value, (list, dict)):
        return False
    text = str(value).strip().lower()
    return value is None or text in ("", "-1", "-1.0") or text in _MARKS


def hidden(labels: Keys, missing_label: Any, notes: list[str]) -> dict[str, list[bool]]:
    """Return by split which labels only mark a missing label. Every decision is added to `notes`."""
    if missing_label == "none":
        return {split: [False] * len(values) for split, values in labels.items()}
    if missing_label != "auto":
        return {split: [_is_equal(value, missing_label) for value in values] for split, values in labels.items()}
    masks = {"train": _hidden_in_train(labels["train"], notes)}
    shown = [
        value for value, hide in zip(labels["train"], masks["train"], strict=True) if not hide and value is not None
    ]
    for split in labels.keys() - {"train"}:
        masks[split] = _hidden_in_held_out(split, labels[split], Counter(shown), notes)
    return masks


def _is_equal(label: Key | None, missing_label: Any) -> bool:
    """Numbers are equal as numbers, so -1 also stands for "-1" and -1.0."""
    try:
        return label is not None and float(label) == float(missing_label)
    except (TypeError, ValueError):
        return label is not None and str(label) == str(missing_label)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_mark(label: Key | None) -> bool:
    """Whether a label is -1, a word such as "unknown", or a list that contains only -1."""
    if isinstance(label, tuple):
        return bool(label) and all(item == -1 for item in label)
    return label == -1 if _is_number(label) else isinstance(label, str) and label.lower() in (*_MARKS, DISAGREEMENT)


def _hidden_in_train(labels: Sequence[Key | None], notes: list[str]) -> list[bool]:
    """Marks in training are labels, except for a -1 that cannot be one, or that is rare among the classes 0, 1, ...

    A "-" beside two or more other classes is no label either.
    """
    others = Counter(label for label in labels if label is not None and not _is_mark(label))
    marked = sum(label is not None and _is_mark(label) for label in labels)
    if not others or not marked:
        return [_is_mark(label) for label in labels]
    minus_ones = sum(label is not None and not isinstance(label, str) and _is_mark(label) for label in labels)
    hide = minus_ones > 0 and _minus_one_is_mark(others, minus_ones)
    if hide:
        notes.append(f"train: {minus_ones:,} records with the label -1 count as unlabelled ({_OVERRIDE})")
    elif minus_ones:
        notes.append(f"train: -1 counts as a class, with {minus_ones:,} records (missing_label=-1 leaves it out)")
    disagreements = sum(label == DISAGREEMENT for label in labels) if len(others) > 1 else 0
    if disagreements:
        notes.append(f"train: {disagreements:,} records with the label - count as unlabelled ({_OVERRIDE})")
    return [
        (hide and label is not None and not isinstance(label, str) and _is_mark(label))
        or (disagreements > 0 and label == DISAGREEMENT)
        for label in labels
    ]


def _minus_one_is_mark(others: Counter[Key], minus_ones: int) -> bool:
    """Whether -1 marks a missing label in training that has these other labels."""
    if len(others) < 2:
        return False  # nothing could be learned from a single class
    if not all(map(_is_number, others)):
        return True  # a -1 among names or lists is always a mark
    if min(others) < 0:
        return False
    is_regression = any(not float(label).is_integer() for label in others)
    return is_regression or minus_ones < _RARE * sum(others.values()) / len(others)


def _hidden_in_held_out(split: str, labels: Sequence[Key | None], train: Counter[Key], notes: list[str]) -> list[bool]:
    known = [label for label in labels if label is not None]
    marks = [label for label in known if _is_mark(label) and label not in train]
    others = [label for label in known if not (_is_mark(label) and label not in train)]
    if not others:
        if marks:
            notes.append(f"{split}: all {len(marks):,} labels are {_shown(marks)}, so it counts as unlabelled")
        return [True] * len(labels)
    if len(others) > 1 and len(set(others)) == 1 and _is_improbable(others[0], len(others), train):
        notes.append(
            f"{split}: all {len(others):,} labels are {_shown(others)}, which cannot be by chance, so it counts as "
            f"unlabelled ({_OVERRIDE})"
        )
        return [True] * len(labels)
    if marks:
        notes.append(
            f"{split}: {len(marks):,} records with the label {_shown(marks)} count as unlabelled ({_OVERRIDE})"
        )
    return [_is_mark(label) and label not in train for label in labels]


def _is_improbable(label: Key, count: int, train: Counter[Key]) -> bool:
    """Whether so many records cannot all have this label, going by its share in training."""
    share = train[label] / max(1, sum(train.values()))
    return share == 0 or (share < 1 and count * math.log(share) < math.log(_IMPROBABLE))


def _shown(labels: Sequence[Key]) -> str:
    """Format the values for a message. 1.0 is shown as 1, as most files write it."""
    values = sorted({f"{label:g}" if _is_number(label) else str(label) for label in labels})
    return " or ".join(values[:3])
