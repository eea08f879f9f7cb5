"""Each order that cannot succeed is refused with a sentence, and each that can is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from configs.common.errors import UserError
from configs.common.locks import Lock
from configs.recipe import Recipe
from launch.machines import Local, machine_of
from launch.refusals import refuse_corpus, refuse_export, refuse_layout, refuse_run, refuse_submitted, refuse_unshared

SLURM = machine_of({"backend": "slurm", "nodes": 2, "gpus": 4, "cpus": 8}, "machines.toml", "mine")


def test_more_than_a_machine_has_is_refused() -> None:
    refuse_layout("mine", SLURM, 2, 4)
    refuse_layout("mine", SLURM, 1, None)
    with pytest.raises(UserError, match=r"^--nodes 3: the machine mine has 2 nodes$"):
        refuse_layout("mine", SLURM, 3, 4)
    with pytest.raises(UserError, match=r"^--processes 5: a node of mine has 4 GPUs$"):
        refuse_layout("mine", SLURM, 1, 5)


@pytest.mark.parametrize(
    ("hosts", "sentence"),
    [
        ("", "--nodes 2: the machine here has 0 nodes"),
        ("one slots=4\n", "--nodes 2: the machine here is one node"),
        ("one slots=four\n", "'one slots=four' is not NAME slots=GPUS"),
        ("节点\n", "'节点' is not NAME slots=GPUS"),
    ],
)
def test_a_hostfile_must_name_the_nodes(hosts: str, sentence: str, tmp_path: Path) -> None:
    file = tmp_path / "hosts"
    machine = Local(backend="local", launcher="deepspeed", hostfile=str(file))
    file.write_text("one slots=4  # here\n\n# none\ntwo slots=4\n", encoding="utf-8")
    refuse_layout("here", machine, 2, None)
    file.write_text(hosts, encoding="utf-8")
    with pytest.raises(UserError, match=sentence):
        refuse_layout("here", machine, 2, None)


def test_an_export_that_is_there_is_refused(tmp_path: Path) -> None:
    refuse_export(tmp_path)
    (tmp_path / "export").mkdir()
    refuse_export(tmp_path)
    (tmp_path / "export" / "模型.bin").touch()
    with pytest.raises(UserError, match=r"export: exists and is not empty; move it away, or leave the stage export"):
        refuse_export(tmp_path)


def test_the_folder_of_another_run_is_refused(tmp_path: Path) -> None:
    refuse_run(tmp_path / "new")
    (tmp_path / "recipe.toml").touch()
    refuse_run(tmp_path)
    lock = Lock(tmp_path / ".lock")
    assert lock.try_acquire()
    with pytest.raises(UserError, match=r"another process is training this run"):
        refuse_run(tmp_path)
    lock.close()
    (tmp_path / "recipe.toml").rename(tmp_path / "notes.toml")
    with pytest.raises(UserError, match=r"is not empty and holds no run; name a new folder"):
        refuse_run(tmp_path)


def test_a_corpus_must_be_complete_and_fit(corpus_folder: Path, small_recipe: Recipe, tmp_path: Path) -> None:
    refuse_corpus(corpus_folder, None)
    refuse_corpus(corpus_folder, small_recipe)
    other = small_recipe.model_copy(update={"data": small_recipe.data.model_copy(update={"row_length": 32})})
    with pytest.raises(UserError, match=r"data.row_length"):
        refuse_corpus(corpus_folder, other)
    with pytest.raises(UserError, match=str(tmp_path)):
        refuse_corpus(tmp_path, None)


def test_a_folder_that_no_node_sees_is_refused(small_disk: Path) -> None:
    refuse_submitted(small_disk)
    for folder in (small_disk, small_disk / "not yet" / "made"):
        with pytest.raises(UserError, match=r"is in the memory of this machine \(tmpfs\), where no node sees it"):
            refuse_unshared(folder)
