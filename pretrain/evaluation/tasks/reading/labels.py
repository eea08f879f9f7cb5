"""The labels of texts as they stand in files become classes, sets of classes, or numbers."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from configs.common.errors import UserError
from pretrain.evaluation.tasks.reading.marks import Key, hidden
from pretrain.evaluation.tasks.reading.options import ReadingOptions
from pretrain.evaluation.tasks.reading.task import LabelSet

_NUMBER = re.compile(r"[+-]?(0|[1-9]\d*)(\.\d*)?([eE][+-]?\d+)?")
_OVERRIDE = "kind=classes, kind=multilabel or kind=number overrides this"
# If there are fewer training records than this, each record may well have a class of its own.
_FEWEST_RECORDS = 20
# Characters that separate several labels in one string.
_SEPARATORS = (";", "|", "##", "；", "、")
Labels = Mapping[str, Sequence[Any]]  # split -> the label of each record, as it stands in the file
TextTarget = str | float | LabelSet


def parse_label(value: Any) -> Any:
    """A label of a file as None, a number, a string, or a list of numbers and strings.

    None, NaN and "" are no label. A list may be written as text, as pandas writes it into csv. Raises ValueError for a
    value of another type.
    """
    if isinstance(value, str):
        value = value.strip()
        if not value:
            return None
        return _written_list(value) if value[0] == "[" and value[-1] == "]" else value
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, list):
        if any(isinstance(item, (list, dict)) or item is None for item in value):
            raise ValueError(f"the label {value!r} is a list of something else than names or numbers")
        return value
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    raise ValueError(f"the label {value!r} is neither text, nor a number, nor a list of them")


def _written_list(text: str) -> Any:
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
    return [*value] if isinstance(value, list) and not any(isinstance(v, (list, dict)) for v in value) else text


def resolve_labels(
    labels: Labels, options: ReadingOptions, names: Sequence[str], notes: list[str]
) -> dict[str, list[TextTarget | None]]:
    """The target of each record, by split; None for a record without a label.

    `names` are the declared names of classes, for one-hot labels. Every decision is added to `notes`. Raises UserError
    for labels that are neither classes nor numbers.
    """
    keys = {split: [_key(value) for value in values] for split, values in labels.items()}
    masks = hidden(keys, options.missing_label, notes)
    kept = {
        split: [None if hide or value is None else value for value, hide in zip(values, masks[split], strict=True)]
        for split, values in labels.items()
    }
    values = [value for split in kept.values() for value in split if value is not None]
    kind = options.kind if options.kind != "auto" else _kind(values, notes)
    if kind == "multilabel":
        return _label_sets(kept, names, options, notes)
    convert = _to_number if kind == "number" else _to_class(values)
    targets = {split: [None if value is None else convert(value) for value in split_] for split, split_ in kept.items()}
    if kind == "classes":
        _check_classes(targets, options, notes)
    return targets


def _key(value: Any) -> Key | None:
    """Return a key that is the same for 1, "1" and 1.0, and for the same names in another order."""
    if isinstance(value, list):
        items = [_key(item) for item in value]
        return tuple(items if set(items) <= {0, 1, -1} else sorted(items, key=str))
    number = _as_number(value)
    return value if number is None or isinstance(value, bool) else number


def _as_number(value: Any) -> float | None:
    """Convert a number, or a text of a number, to a float. Codes with leading zeros ("007") are names and give None."""
    if isinstance(value, (int, float)):
        return float(value)
    return float(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else None


def _kind(values: Sequence[Any], notes: list[str]) -> Literal["classes", "multilabel", "number"]:
    """Decide the kind of labels. Lists are sets of classes.

    Numbers with a fraction, or many whole numbers written as 3.0, are the targets of a regression.
    """
    if any(isinstance(value, list) for value in values):
        return "multilabel"
    numbers = {number for value in values if (number := _as_number(value)) is not None}
    if not values or any(_as_number(value) is None or isinstance(value, bool) for value in values):
        _note_separators(values, notes)
        return "classes"
    if any(not number.is_integer() for number in numbers):
        notes.append(f"some labels are numbers with a fraction, so all are read as numbers ({_OVERRIDE})")
        return "number"
    if len(numbers) > 2 and all(_is_written_as_float(value) for value in values):
        notes.append(f"all labels are written as fractional numbers, so they are read as numbers ({_OVERRIDE})")
        return "number"
    if len(numbers) > 2:
        notes.append(f"all labels are whole numbers, so each is read as a class ({_OVERRIDE})")
    return "classes"


def _is_written_as_float(value: Any) -> bool:
    return isinstance(value, float) or (isinstance(value, str) and ("." in value or "e" in value.lower()))


def _note_separators(values: Sequence[Any], notes: list[str]) -> None:
    for separator in _SEPARATORS:
        joined = {value for value in values if isinstance(value, str) and separator in value.strip(separator)}
        if joined:
            notes.append(
                f"{len(joined)} classes such as {min(joined)!r} have {separator!r} in their name and are read as one "
                "class each; write a list where a text has several labels"
            )
            return


def _to_number(value: Any) -> float:
    number = _as_number(value)
    if number is None or isinstance(value, bool):
        raise UserError(f"kind=number: the label {value!r} is no number")
    if not math.isfinite(number):
        raise UserError(f"the label {value!r} is not finite, and cannot be learned")
    return number


def _to_class(values: Sequence[Any]) -> Any:
    """Whole numbers are named alike whether a file has 1, "1" or 1.0, provided that all labels are numbers."""
    if any((number := _as_number(value)) is None or not number.is_integer() for value in values):
        return str
    return lambda value: str(value) if isinstance(value, bool) else str(int(_as_number(value) or 0))


def _label_sets(
    labels: Labels, names: Sequence[str], options: ReadingOptions, notes: list[str]
) -> dict[str, list[TextTarget | None]]:
    lists = {
        split: [value if value is None or isinstance(value, list) else [value] for value in values]
        for split, values in labels.items()
    }
    every = [value for values in lists.values() for value in values if value is not None]
    width = _one_hot_width(every)
    if width:
        names = names if len(names) == width else [str(place) for place in range(width)]
        notes.append(f"labels are vectors of {width} zeros and ones, for the classes {', '.join(names)}")
    sets = {
        split: [None if value is None else _label_set(value, names if width else None) for value in values]
        for split, values in lists.items()
    }
    if options.kind == "auto" and all(len(target.labels) == 1 for s in sets.values() for target in s if target):
        notes.append("every list has a single class, so each text has one class (kind=multilabel overrides this)")
        return {split: [target and target.labels[0] for target in targets] for split, targets in sets.items()}
    if len({target for target in sets["train"] if target}) == 1:
        notes.append("all records of train have the same classes, so there is nothing to learn")
    return {split: [*targets] for split, targets in sets.items()}


def _one_hot_width(lists: Sequence[list[Any]]) -> int:
    """The common length of lists of zeros and ones; 0 for lists of names or numbers of classes."""
    widths = {len(value) for value in lists}
    width = widths.pop() if len(widths) == 1 else 0
    return width if width > 1 and all(_as_number(item) in (0, 1) for value in lists for item in value) else 0


def _label_set(value: list[Any], one_hot_names: Sequence[str] | None) -> LabelSet:
    if one_hot_names:
        return LabelSet(tuple(sorted(n for n, item in zip(one_hot_names, value, strict=True) if _as_number(item))))
    items = {str(int(number)) if (number := _as_number(item)) is not None else str(item).strip() for item in value}
    return LabelSet(tuple(sorted(items)))


def _check_classes(targets: Mapping[str, Sequence[Any]], options: ReadingOptions, notes: list[str]) -> None:
    """Raises UserError for a field that nearly identifies its record."""
    train = [target for target in targets["train"] if target is not None]
    num_classes = len(set(train))
    if options.kind == "auto" and len(train) >= _FEWEST_RECORDS and num_classes > len(train) / 2:
        raise UserError(
            f"the labels of train have {num_classes:,} different values in {len(train):,} records, such as "
            f"{train[0]!r} and {train[1]!r}, which is no classification; name the field of the class `label`, or write "
            "kind=number for numbers, or kind=classes if these are the classes"
        )
    if num_classes == 1:
        notes.append(f"all records of train have the class {train[0]!r}, so there is nothing to learn")
