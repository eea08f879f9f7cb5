"""The counts of tasks are added up, and come back from JSON as they were."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from data_prep.counts import TaskReport, by_reason


def report(task: int, rows: int) -> TaskReport:
    return TaskReport(
        documents=Counter({"0": 2, str(task): 1}),
        invalid_sequences=3,
        repeated=1,
        unknown_characters=Counter({"法": task}),
        dropped_samples={"Length: too short": [f"sample {task}"]},
        shards={"train": [{"file": f"train-{task:05d}.npy", "rows": rows}], "validation": []},
    )


def test_counts_are_added_and_samples_are_joined() -> None:
    total = TaskReport()
    for task, rows in ((1, 10), (2, 5)):
        total.add(report(task, rows))
    assert total.documents == {"0": 4, "1": 1, "2": 1}
    assert (total.invalid_sequences, total.repeated, total.unknown_characters["法"]) == (6, 2, 3)
    assert total.dropped_samples == {"Length: too short": ["sample 1", "sample 2"]}
    assert total.num_rows == {"train": 15, "validation": 0}


def test_adding_does_not_change_what_was_added() -> None:
    first, total = report(1, 10), TaskReport()
    before = json.dumps(vars(first))
    total.add(first)
    total.add(report(2, 5))
    assert json.dumps(vars(first)) == before


def test_an_empty_report_changes_nothing() -> None:
    total = report(1, 10)
    total.add(TaskReport())
    assert total == report(1, 10)


def test_a_report_comes_back_from_json() -> None:
    stored = json.loads(json.dumps(vars(report(3, 7))))
    assert TaskReport.of(stored) == report(3, 7)
    assert TaskReport.of({}) == TaskReport()


@pytest.mark.parametrize(
    ("counts", "text"), [({}, ""), ({"damaged": 1}, "damaged: 1"), ({"a": 12_345, "b": 1}, "a: 12,345; b: 1")]
)
def test_reasons_as_text(counts: dict[str, int], text: str) -> None:
    assert by_reason(counts) == text
