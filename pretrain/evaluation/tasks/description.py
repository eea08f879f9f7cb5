"""The description of a task as it was read, in lines that a user checks before hours are spent on training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from pretrain.evaluation.tasks.reading.task import (
    Answers,
    Choice,
    Kind,
    LabelledExample,
    LabelSet,
    Relations,
    SplitSummary,
    Tags,
    Task,
    Terms,
)

_KINDS: dict[Kind, str] = {
    "classes": "one class for each text",
    "multilabel": "any number of classes for each text",
    "number": "a number for each text (regression)",
    "tags": "a tag for each word",
    "spans": "questions answered by a part of a context",
    "choices": "one correct choice among several",
    "terms": "standard terms that a text mentions",
    "relations": "relations between parts of a text",
}
# At most twelve classes are listed with their counts, and two examples of a split are shown.
_MOST_CLASSES, _NUM_EXAMPLES = 12, 2
_TEXT_WIDTH, _TARGET_WIDTH = 60, 40


def describe(task: Task, metric: str) -> Iterator[str]:
    """Yield kind, splits, labels with their counts, examples, and every decision that was made while reading."""
    is_pair = task.kind in ("classes", "multilabel", "number") and task.train[0].pair is not None
    kind = _KINDS[task.kind].replace("each text", "each pair of texts") if is_pair else _KINDS[task.kind]
    yield f"{task.name}: {kind}; judged by {metric.replace('_', ' ')} on {task.split}"
    for split in task.summaries:
        yield f"  {split.name}: {', '.join(split.files)}, {_use(task, split)}"
    yield from _labels(task)
    for name, examples in (("train", task.train), (task.split, task.held_out)):
        for example in examples[:_NUM_EXAMPLES]:
            yield f"  example of {name}: {_shortened(_text(example), _TEXT_WIDTH)} -> {_target(example)}"
    for note in task.notes:
        yield f"  {note if note.startswith('warning: ') else f'note: {note}'}"


def _use(task: Task, split: SplitSummary) -> str:
    use = "to train on" if split.name == "train" else "to score" if split.name == task.split else "not used"
    if not split.num_labelled:
        return f"{split.num_records:,} records without labels, not used"
    unlabelled = split.num_records - split.num_labelled
    return f"{split.num_labelled:,} labelled records, {use}" + (f"; {unlabelled:,} left out" if unlabelled else "")


def _labels(task: Task) -> Iterator[str]:
    if task.kind == "number":
        for name, examples in (("train", task.train), (task.split, task.held_out)):
            values = [float(e.target) for e in examples if isinstance(e.target, float)]
            yield f"  numbers of {name}: from {min(values):g} to {max(values):g}, mean {sum(values) / len(values):g}"
    elif task.kind == "spans":
        for name, examples in (("train", task.train), (task.split, task.held_out)):
            unanswerable = sum(example.has_empty_target for example in examples)
            yield f"  questions of {name}: {len(examples):,}, of which {unanswerable:,} have no answer"
    else:
        yield from _label_counts(task)


def _label_counts(task: Task) -> Iterator[str]:
    train, held_out = (Counter(_counted(examples)) for examples in (task.train, task.held_out))
    labels = sorted(task.labels, key=lambda label: (-train[label], label))
    noun = {"tags": "tags", "choices": "places of the correct choice", "terms": "terms", "relations": "relations"}.get(
        task.kind, "classes"
    )
    counts = ", ".join(f"{label} {train[label]:,}/{held_out[label]:,}" for label in labels[:_MOST_CLASSES])
    more = f", and {len(labels) - _MOST_CLASSES:,} more" if len(labels) > _MOST_CLASSES else ""
    yield f"  {len(labels):,} {noun} (train/{task.split}): {counts}{more}"


def _counted(examples: Sequence[LabelledExample]) -> Iterator[str]:
    for example in examples:
        if isinstance(example.target, Choice):
            yield str(example.target.right)
        else:
            yield from example.labels


def _text(example: LabelledExample) -> str:
    texts = [
        " ".join(example.words) if example.words else example.text,
        *([] if example.pair is None else [example.pair]),
    ]
    return " | ".join(_shortened(text, _TEXT_WIDTH // len(texts)) for text in texts)


def _target(example: LabelledExample) -> str:
    match example.target:
        case LabelSet(labels) | Terms(labels):
            text = ", ".join(labels) or "none"
        case Tags(tags):
            text = " ".join(tags)
        case Answers(answers):
            text = " or ".join(answer.text for answer in answers) or "no answer"
        case Choice(options, right):
            text = options[right]
        case Relations(relations):
            text = ", ".join(f"{r.subject} {r.kind} {r.object}" for r in relations) or "none"
        case str(text):
            pass
        case value:
            text = f"{value:g}"
    return _shortened(text, _TARGET_WIDTH)


def _shortened(text: str, width: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= width else f"{line[: width - 1]}…"
