"""Submissions are numbered, the newest one that was handed over counts, and a damaged jobs.json is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from configs.common.errors import UserError
from launch.jobs import Stage
from launch.machines import Slurm
from launch.submissions import Submission, newest, next_folder, store

MACHINE = Slurm(backend="slurm", nodes=2, gpus=8, cpus=64, account="a/b", environment={"X": "中文"})


def _submit(home: Path, number: int) -> Submission:
    folder = home / "submit" / str(number)
    folder.mkdir(parents=True)
    submission = Submission(folder, "lab", MACHINE, {Stage.pretrain: str(number), Stage.export: "8"})
    submission.write()
    return submission


def test_the_tenth_submission_is_newer_than_the_ninth(tmp_path: Path) -> None:
    assert newest(tmp_path) is None and next_folder(tmp_path) == tmp_path / "submit" / "1"
    _submit(tmp_path, 9)
    tenth = _submit(tmp_path, 10)
    (tmp_path / "submit" / "notes").mkdir()
    assert newest(tmp_path) == tenth and next_folder(tmp_path).name == "11"


def test_a_submission_that_was_not_handed_over_does_not_count_but_keeps_its_number(tmp_path: Path) -> None:
    first = _submit(tmp_path, 1)
    store(next_folder(tmp_path), {"name": "中文"}, {"pretrain.sbatch": "#!/bin/bash\n"})
    assert (tmp_path / "submit" / "2" / "pretrain.sbatch").read_text() == "#!/bin/bash\n"
    assert (tmp_path / "submit" / "2" / "recipe.toml").read_text(encoding="utf-8") == 'name = "中文"\n'
    assert {"version", "commit"} <= json.loads((tmp_path / "submit" / "2" / "code.json").read_text()).keys()
    assert newest(tmp_path) == first and next_folder(tmp_path).name == "3"
    assert first.home == tmp_path


def test_only_what_was_stated_of_a_machine_is_stored(tmp_path: Path) -> None:
    _submit(tmp_path, 1)
    stored = json.loads((tmp_path / "submit" / "1" / "jobs.json").read_text(encoding="utf-8"))
    stated = {"nodes": 2, "gpus": 8, "cpus": 64, "account": "a/b", "environment": {"X": "中文"}}
    assert stored["machine"] == {"backend": "slurm"} | stated
    assert stored["jobs"] == {"pretrain": "1", "export": "8"}


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("jobs", {"train": "7"}, "jobs.train: is no stage; it was damaged or edited"),
        ("jobs", {"pretrain": 7}, "jobs.pretrain: "),
        ("machine", {"backend": "pbs"}, "machine"),
        ("more", 1, "unknown key more; there are time, name, machine, jobs"),
    ],
)
def test_a_damaged_file_is_named(key: str, value: object, sentence: str, tmp_path: Path) -> None:
    _submit(tmp_path, 1)
    path = tmp_path / "submit" / "1" / "jobs.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    with pytest.raises(UserError, match=f"^{re.escape(f'{path}: {sentence}')}"):
        newest(tmp_path)
