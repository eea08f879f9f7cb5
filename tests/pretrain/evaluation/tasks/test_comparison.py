"""Every input is checked before anything is trained."""

from __future__ import annotations

from pathlib import Path

import pytest

from configs.common.errors import UserError
from pretrain.evaluation.tasks.comparison import Progress, compare
from pretrain.evaluation.tasks.partial_results import PartialResults
from pretrain.evaluation.tasks.reading.folders import read_task
from tests.pretrain.evaluation.tasks.toy import classes, task


def test_models_and_tasks_have_names_of_their_own(tmp_path: Path) -> None:
    none = PartialResults(None)
    with pytest.raises(UserError, match="--against m: is the model itself"):
        compare(["m", "m"], [tmp_path], 1, (), none, Progress())
    with pytest.raises(UserError, match="--task: 2 folders are named toy"):
        compare(["m"], [tmp_path / "a" / "toy", tmp_path / "b" / "toy"], 1, (), none, Progress())


def test_a_task_is_named_by_its_folder_however_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(task(tmp_path, classes))
    assert read_task(Path()).name == "toy"


def test_a_key_is_checked_before_training(model: Path, tmp_path: Path) -> None:
    folder = task(tmp_path, classes)
    for override, sentence in (
        ("knd=classes", "unknown key knd; did you mean kind"),
        ("kind=class", "kind: 'class' is not"),
        ("kind=number", "kind=number: the label 'other' is no number"),
    ):
        with pytest.raises(UserError, match=sentence):
            compare([str(model)], [folder], 1, (override,), PartialResults(None), Progress())
