"""Labelled tasks as folders of train, dev and test files, in this project's layout or the layout of published tasks.

The project's own layout is JSON lines: {text, text_pair, label}, {text, text_pair, choices, label}, {tokens, tags}, or
{question, context, answers: [{text, answer_start}]}. The kind of a file is decided by the names of its fields, never by
the name of the task, so a new task of a known form needs no code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from configs.common.errors import UserError
from pretrain.evaluation.tasks.reading.files import ENDINGS
from pretrain.evaluation.tasks.reading.options import ReadingOptions
from pretrain.evaluation.tasks.reading.splits import RawSplit, read_splits
from pretrain.evaluation.tasks.reading.standard_terms import standard_terms
from pretrain.evaluation.tasks.reading.targets import labelled_examples
from pretrain.evaluation.tasks.reading.task import Kind, LabelledExample, SplitSummary, Task

# The kinds whose labels must be the same in training and held-out data.
_SHARED_LABELS: tuple[Kind, ...] = ("classes", "multilabel", "tags", "relations")
_MOST_NAMED = 5


def read_task(folder: Path, options: ReadingOptions | None = None) -> Task:
    """Raises UserError for a folder without a labelled train file and a labelled dev or test file."""
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; a task is a folder with train, dev and test files")
    notes: list[str] = []
    splits = read_splits(folder, notes)
    examples = labelled_examples(splits, folder, options or ReadingOptions(), notes)
    held_out = next((split for split in ("test", "dev") if examples.get(split)), None)
    if not examples.get("train") or held_out is None:
        raise UserError(_nothing_to_score(folder, splits, examples, notes))
    train, last = examples["train"], examples[held_out]
    kind = train[0].kind
    if kind in _SHARED_LABELS:
        _compare_labels(folder, held_out, train, last, notes)
    # The labels of both splits: a class that training never shows can still be missed.
    labels = {label for example in (*train, *last) for label in example.labels}
    if kind == "terms":
        labels |= standard_terms(folder)
    summaries = tuple(_summary(split, examples[name]) for name, split in splits.items())
    name = folder.resolve().name
    return Task(name, kind, train, last, held_out, tuple(sorted(labels)), summaries, tuple(notes))


def _summary(split: RawSplit, examples: Sequence[LabelledExample]) -> SplitSummary:
    return SplitSummary(split.name, tuple(file.name for file in split.files), len(split.examples), len(examples))


def _nothing_to_score(
    folder: Path,
    splits: Mapping[str, RawSplit],
    examples: Mapping[str, Sequence[LabelledExample]],
    notes: Sequence[str],
) -> str:
    labelled = ", ".join(name for name in splits if examples.get(name)) or "nothing"
    without = [
        f"{file.name} ({len(split.examples):,} records)"
        for name, split in splits.items()
        if not examples.get(name)
        for file in split.files
    ]
    unlabelled = (
        f" There are no labels in {', '.join(without)}: {'; '.join(notes) or 'no record has one'}." if without else ""
    )
    files = f" Its files are {', '.join(sorted(path.name for path in folder.iterdir())[:8])}." if not splits else ""
    return (
        f"{folder}: holds labelled examples of {labelled}, and a task has labelled files called train and dev or test, "
        f"which end in one of {', '.join(ENDINGS)}, or these with .gz.{unlabelled}{files}"
    ).rstrip(".")


def _compare_labels(
    folder: Path,
    held_out: str,
    train: Sequence[LabelledExample],
    last: Sequence[LabelledExample],
    notes: list[str],
) -> None:
    """Note the labels that training never shows. Raises UserError when it shows none of the held-out labels."""
    learned = {label for example in train for label in example.labels}
    asked = {label for example in last for label in example.labels}
    if learned and not asked & learned:
        raise UserError(
            f"{folder}: train has the labels {_listed(learned)} and {held_out} has {_listed(asked)}; no label is in "
            "both, so every score would be 0"
        )
    if unseen := asked - learned:
        count = sum(not unseen.isdisjoint(example.labels) for example in last)
        notes.append(
            f"warning: {held_out}: {count:,} of {len(last):,} examples have labels that train never shows "
            f"({_listed(unseen)}), which no model can learn"
        )


def _listed(labels: set[str]) -> str:
    names = sorted(labels)
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f"{', '.join(names[:_MOST_NAMED])}{more}"
