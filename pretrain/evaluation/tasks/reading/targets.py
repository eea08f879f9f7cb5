"""The raw examples of all splits become labelled examples of one kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from configs.common.errors import UserError
from pretrain.evaluation.tasks.reading.label_names import declared_names
from pretrain.evaluation.tasks.reading.labels import resolve_labels
from pretrain.evaluation.tasks.reading.marks import hidden
from pretrain.evaluation.tasks.reading.options import ReadingOptions
from pretrain.evaluation.tasks.reading.places import with_valid_places
from pretrain.evaluation.tasks.reading.records import RawExample, RawLabel, RawTags
from pretrain.evaluation.tasks.reading.splits import RawSplit
from pretrain.evaluation.tasks.reading.tag_names import resolve_tags
from pretrain.evaluation.tasks.reading.task import Choice, LabelledExample, Tags, Target, Terms

Targets = Mapping[str, Sequence[Target | None]]


def labelled_examples(
    splits: Mapping[str, RawSplit], folder: Path, options: ReadingOptions, notes: list[str]
) -> dict[str, list[LabelledExample]]:
    """The examples of each split that have a label; a split whose labels are hidden has none.

    Raises UserError for labels of several kinds, and for labels that cannot be understood.
    """
    raw = {name: split.examples for name, split in splits.items()}
    kinds = {type(example.target) for examples in raw.values() for example in examples if _has_label(example)}
    if len(kinds) > 1:
        names = ", ".join(sorted(_KIND_NAMES.get(kind, kind.__name__.lower()) for kind in kinds))
        raise UserError(f"{folder}: mixes examples of several kinds: {names}")
    if not kinds:
        return {name: [] for name in raw}
    targets = _resolve(kinds.pop(), {"train": [], **raw}, folder, options, notes)
    examples = {name: _with_targets(raw[name], targets[name]) for name in raw}
    examples = {name: _without_hidden(name, kept, notes) for name, kept in examples.items()}
    return {name: with_valid_places(name, kept, notes) for name, kept in examples.items()}


_KIND_NAMES: dict[type, str] = {RawLabel: "labels of texts", RawTags: "tags of words"}


def _has_label(example: RawExample) -> bool:
    match example.target:
        case RawLabel(value):
            return value is not None
        case RawTags(values):
            return values is not None
    return example.target is not None


def _resolve(
    kind: type, raw: Mapping[str, Sequence[RawExample]], folder: Path, options: ReadingOptions, notes: list[str]
) -> Targets:
    targets = {name: [example.target if _has_label(example) else None for example in raw[name]] for name in raw}
    if kind is RawLabel:
        return _resolve_labels(cast(Any, targets), folder, options, notes)
    if kind is RawTags:
        return _resolve_tags(cast(Any, targets), folder, notes)
    if kind in (Choice, Terms):
        keys = {name: [_constant_key(target) for target in values] for name, values in targets.items()}
        masks = hidden(keys, options.missing_label, notes)
        targets = {
            name: [None if hide else target for target, hide in zip(values, masks[name], strict=True)]
            for name, values in targets.items()
        }
    return cast(Targets, targets)


def _constant_key(target: Any) -> Any:
    """Return the key by which we recognise a split whose targets are all the same placeholder."""
    return target.right if isinstance(target, Choice) else target and target.terms


def _resolve_labels(
    raw: Mapping[str, Sequence[RawLabel | None]], folder: Path, options: ReadingOptions, notes: list[str]
) -> Targets:
    labels = [label for values in raw.values() for label in values if label]
    fields = sorted({label.field for label in labels})
    notes.append(f"labels are in the field {' or '.join(fields)}")
    if labels[0].is_score and options.kind == "auto":
        options = options.model_copy(update={"kind": "number"})
    values = {name: [label and label.value for label in values] for name, values in raw.items()}
    return _with_folder(folder, resolve_labels, values, options, declared_names(folder, fields[0]), notes)


def _resolve_tags(raw: Mapping[str, Sequence[RawTags | None]], folder: Path, notes: list[str]) -> Targets:
    fields = Counter(tags.field for values in raw.values() for tags in values if tags)
    field = next(iter(fields))
    if field != "entities":
        notes.append(f"tags are in the field {', '.join(sorted(fields))}")
    values = {name: [tags and tags.values for tags in values] for name, values in raw.items()}
    named = _with_folder(folder, resolve_tags, values, declared_names(folder, field), notes)
    return {name: [tags and Tags(tags) for tags in records] for name, records in named.items()}


def _with_folder(folder: Path, resolve: Any, *arguments: Any) -> Any:
    """Call `resolve`, and name the folder in the message of a UserError that it raises."""
    try:
        return resolve(*arguments)
    except UserError as error:
        raise UserError(f"{folder}: {error}") from None


def _with_targets(raw: Sequence[RawExample], targets: Sequence[Target | None]) -> list[LabelledExample]:
    return [
        LabelledExample(example.text, example.pair, example.words, target)
        for example, target in zip(raw, targets, strict=True)
        if target is not None
    ]


def _without_hidden(split: str, examples: list[LabelledExample], notes: list[str]) -> list[LabelledExample]:
    """Return no examples if the target of every example is empty, as in test files whose labels were removed."""
    if not examples or not all(example.has_empty_target for example in examples):
        return examples
    notes.append(f"{split}: none of {len(examples):,} records has anything to find, so it counts as unlabelled")
    return []
