"""A full disk ends a run with a sentence, removes what is half written, and keeps the checkpoints.

Whole runs on a full disk are in tests/integration/test_machine.py.
"""

from __future__ import annotations

import errno
import threading
from pathlib import Path

import pytest

from configs.common.errors import Unfinished
from configs.common.files import WRITING
from configs.recipe import Recipe
from data_prep.shards import Corpus
from pretrain.run.disk import on_a_full_disk
from pretrain.run.folder import RunFolder
from pretrain.step.world import World


@pytest.fixture
def folder(tmp_path: Path, small_recipe: Recipe, corpus: Corpus, world: World) -> RunFolder:
    run = RunFolder(tmp_path / "运行", small_recipe, corpus, world)
    (run.checkpoints / f"{WRITING}step-00000012").mkdir(parents=True)
    return run


def _fill() -> None:
    with open("/dev/full", "w") as full:
        full.write("x")


@pytest.mark.parametrize("steps", [(), (4,), (4, 8)])
def test_the_sentence_names_the_newest_checkpoint(folder: RunFolder, steps: tuple[int, ...]) -> None:
    kept = [f"step-{step:08d}" for step in steps]
    for name in kept:
        (folder.checkpoints / name).mkdir()
    with pytest.raises(Unfinished) as raised, on_a_full_disk(folder, 1_234_560_000):
        _fill()
    assert str(raised.value) == (
        f"{folder.folder}: the disk is full, and a checkpoint takes about 1,234.6 MB; with room for it, the same "
        f"command resumes from {kept[-1] if kept else 'the beginning'}"
    )
    assert sorted(path.name for path in folder.checkpoints.iterdir()) == kept


def test_an_exceeded_quota_is_a_full_disk(folder: RunFolder) -> None:
    with pytest.raises(Unfinished, match="the disk is full"), on_a_full_disk(folder, 1):
        raise OSError(errno.EDQUOT, "Disk quota exceeded")


def test_another_error_of_the_disk_stays_what_it_is(folder: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), on_a_full_disk(folder, 1):
        (tmp_path / "nothing").read_bytes()
    assert list(folder.checkpoints.iterdir())


def test_a_thread_is_quiet_about_a_full_disk_alone(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    reported: list[object] = []
    monkeypatch.setattr(threading, "excepthook", lambda raised: reported.append(raised.exc_type))
    before = threading.excepthook
    with on_a_full_disk(folder, 1):
        for work in (_fill, lambda: int("x")):
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
    assert reported == [ValueError] and threading.excepthook is before
