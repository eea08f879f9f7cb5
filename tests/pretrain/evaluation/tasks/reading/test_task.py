"""A task is identified by its content."""

from __future__ import annotations

import json
from pathlib import Path

from pretrain.evaluation.tasks.reading.folders import read_task
from pretrain.evaluation.tasks.reading.task import Answer, Answers, LabelledExample, Tags, Task
from tests.pretrain.evaluation.tasks.toy import choices, made, relations


def test_a_task_is_known_by_its_content(tmp_path: Path) -> None:
    folders = [made(tmp_path / name, make) for name, make in (("a", choices), ("b", choices), ("c", relations))]
    one, same, other = (read_task(folder).fingerprint for folder in folders)
    assert one == same != other
    lines = (folders[1] / "dev.jsonl").read_text().splitlines()
    record = json.loads(lines[-1])
    (folders[1] / "dev.jsonl").write_text("\n".join([*lines[:-1], json.dumps(record | {"text": "the winds"})]) + "\n")
    assert read_task(folders[1]).fingerprint != one


def test_results_of_earlier_versions_keep_their_fingerprint() -> None:
    """Computed when the first results were stored: a stored result is compared with it before it is extended."""
    examples = [
        LabelledExample("a", "b", (), "x"),
        LabelledExample("", None, ("u", "v"), Tags(("B-x", "O"))),
        LabelledExample("q", "c", (), Answers((Answer("c", 0),))),
    ]
    assert (
        Task("t", "classes", examples, examples[:1], "dev", ("x", "é")).fingerprint
        == "bf19146139442ec4c5d95d5b732cf78c69db060c411b6c244bff3572bb24b1a8"
    )
