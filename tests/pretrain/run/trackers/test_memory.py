"""What a tracker has is remembered beside the run, for trackers that keep an experiment elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from configs.common.errors import UserError
from pretrain.run.trackers.memory import Memory


def test_ids_and_steps_are_read_back(tmp_path: Path) -> None:
    memory = Memory.read(tmp_path, "wandb")
    memory.ids["run"] = "a1"
    memory.last_steps |= {"loss/total": 7}
    memory.save()
    again = Memory.read(tmp_path, "wandb")
    assert again == memory
    assert [again.lacks(step, "loss/total") for step in (6, 7, 8)] == [False, False, True]
    assert again.lacks(0, "heldout/auc")
    assert Memory.read(tmp_path, "mlflow").ids == {}


def test_a_tracker_without_ids_has_no_file(tmp_path: Path) -> None:
    memory = Memory.read(tmp_path, "tensorboard")
    memory.last_steps["loss/total"] = 7
    memory.save()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["", "[1]", '{"ids": {"run": 1}, "last_steps": {}}', '{"ids": {}, "last_steps": 3}'])
def test_a_damaged_file_is_refused_by_its_name(text: str, tmp_path: Path) -> None:
    path = tmp_path / "trackers" / "wandb.json"
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(UserError, match=r"wandb\.json"):
        Memory.read(tmp_path, "wandb")
