"""Objects come back from YAML as they were, and people can read the file."""

from __future__ import annotations

import yaml

from launch.jobs import Stage
from launch.manifests import documents

SHARED = {"name": "x"}


def test_objects_come_back() -> None:
    objects = [
        {"kind": "Job", "command": ["bash", "-c", "set -e\necho '法律'\n"], "on": True, "null": None},
        {"first": SHARED, "second": SHARED, "number": "007", "yes": "no", "empty": [], "long": "word " * 100},
    ]
    text = documents(objects, "written by a test")
    assert text.startswith("# written by a test\n")
    assert [*yaml.safe_load_all(text)] == objects


def test_people_can_read_it() -> None:
    text = documents([{"script": "one\ntwo\n", "first": SHARED, "second": SHARED, "items": ["法"]}], "about")
    assert "script: |\n  one\n  two\n" in text
    assert "items:\n  - 法\n" in text
    assert "&" not in text and "*" not in text  # no aliases


def test_a_stage_is_written_as_text() -> None:
    assert documents([{"stage": Stage.pretrain}], "about") == "# about\nstage: pretrain\n"
