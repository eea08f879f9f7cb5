"""Columns of zeros and ones are the classes of a text."""

from __future__ import annotations

from pathlib import Path

import pytest

from configs.common.errors import UserError
from pretrain.evaluation.tasks.reading.folders import read_task
from pretrain.evaluation.tasks.reading.task import LabelSet

TRAIN = "id,text,law,ward,tax\n1,a,1,0,1\n2,b,0,0,0\n3,c,0,1,0\n"


def test_columns_of_classes(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text(TRAIN)
    (tmp_path / "dev.csv").write_text(TRAIN.replace("1,a,1,0,1", "1,a,1.0,0.0,0.0"))
    (tmp_path / "test.csv").write_text("id,text,law,ward,tax\n1,a,-1,-1,-1\n2,b,-1,-1,-1\n")
    task = read_task(tmp_path)
    assert (task.kind, task.split, task.labels) == ("multilabel", "dev", ("law", "tax", "ward"))
    assert [example.target for example in task.train] == [LabelSet(("law", "tax")), LabelSet(()), LabelSet(("ward",))]
    assert task.held_out[0].target == LabelSet(("law",))
    (tmp_path / "dev.csv").write_text(TRAIN.replace("1,a,1,0,1", "1,a,7,0,1"))
    with pytest.raises(UserError, match=r"dev\.csv: record 1: law is '7', and a zero or a one is expected"):
        read_task(tmp_path)


def test_a_column_of_labels_is_preferred(tmp_path: Path) -> None:
    for split in ("train", "dev"):
        (tmp_path / f"{split}.csv").write_text("text,label,checked,old\na,x,1,0\nb,y,0,1\n")
    assert read_task(tmp_path).labels == ("x", "y")
