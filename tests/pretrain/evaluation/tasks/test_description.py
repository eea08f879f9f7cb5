"""What was understood of a task is told before it is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pretrain.evaluation.tasks.description import describe
from pretrain.evaluation.tasks.reading.folders import read_task
from tests.pretrain.evaluation.tasks.toy import (
    choices,
    classes,
    made,
    pairs,
    relations,
    several_labels,
    some_unanswerable,
    tags,
    terms,
)

EXPECTED = {
    classes: ("one class for each text", "2 classes (train/dev): other 80/20, sun 80/20"),
    several_labels: (
        "any number of classes for each text",
        "2 classes (train/dev): rain 80/20, sun 80/20",
    ),
    pairs: ("a number for each pair of texts (regression)", "numbers of train: from 0 to 4, mean 2"),
    tags: ("a tag for each word", "2 tags (train/dev): "),
    some_unanswerable: ("questions answered by a part of a context", "of which 54 have no answer"),
    choices: (
        "one correct choice among several",
        "places of the correct choice (train/dev): 0 54/14, 1 53/13, 2 53/13",
    ),
    terms: ("standard terms that a text mentions", "12 terms (train/dev): "),
    relations: ("relations between parts of a text", "2 relations (train/dev): "),
}


@pytest.mark.parametrize("make", EXPECTED)
def test_a_task_is_described(make: Any, tmp_path: Path) -> None:
    lines = [*describe(read_task(made(tmp_path, make)), "macro_f1")]
    kind, labels = EXPECTED[make]
    assert lines[0] == f"toy: {kind}; judged by macro f1 on dev"
    assert lines[1:3] == [
        "  train: train.jsonl, 160 labelled records, to train on",
        "  dev: dev.jsonl, 40 labelled records, to score",
    ]
    assert labels in "\n".join(lines)
    assert sum(line.startswith("  example of ") and " -> " in line for line in lines) == 4


def test_records_without_a_label_and_decisions_are_told(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("text,label\na,1\nb,2.5\nc,\n")
    (tmp_path / "dev.csv").write_text("text,label\na,1\nb,2.5\n")
    (tmp_path / "test.csv").write_text("text\na\nb\n")
    text = "\n".join(describe(read_task(tmp_path), "spearman"))
    assert "train: train.csv, 2 labelled records, to train on; 1 left out" in text
    assert "test: test.csv, 2 records without labels, not used" in text
    assert "note: some labels are numbers with a fraction, so all are read as numbers (kind=classes" in text
