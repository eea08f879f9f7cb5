"""A run survives its machine: a full disk, a folder that is read-only or in use, and a clock that jumps."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from itertools import count
from pathlib import Path

import pytest

from configs.common.errors import EXIT_UNFINISHED
from data_prep.shards import Corpus
from pretrain.run import checkpoint
from pretrain.step.world import World
from pretrain.train import train
from tests.integration.test_run import command, recipe, start, training, wait_for_step


@pytest.fixture(scope="module")
def undisturbed(corpus_folder: Path, world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("runs") / "undisturbed"
    assert train(recipe(), Corpus(corpus_folder), run, world, "auto")
    return run


def remount(disk: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(disk)], check=True)


@pytest.mark.parametrize(
    ("kilobytes", "goes_on_from"),
    [
        (1600, "step-00000004"),  # there is room for one checkpoint
        (50, "the beginning"),  # there is room for only a part of the log
    ],
)
def test_a_full_disk(
    undisturbed: Path, corpus_folder: Path, small_disk: Path, kilobytes: int, goes_on_from: str
) -> None:
    remount(small_disk, f"size={kilobytes}k")
    run = small_disk / "run"
    full = start(corpus_folder, run)
    assert full.returncode == EXIT_UNFINISHED, full.stderr
    assert full.stderr.startswith(f"error: {run}: the disk is full, and a checkpoint takes about 0.9 MB")
    assert full.stderr.strip().endswith(f"the same command resumes from {goes_on_from}")
    assert not list((run / "checkpoints").glob(".*"))
    remount(small_disk, "size=50m")
    again = start(corpus_folder, run)
    assert again.returncode == 0, again.stderr
    assert training(run) == training(undisturbed)


def test_a_full_disk_with_several_processes(corpus_folder: Path, small_disk: Path) -> None:
    remount(small_disk, "size=1600k")
    full = start(corpus_folder, small_disk / "run", "compute.zero_stage=1", processes=2)
    assert "the disk is full, and a checkpoint takes about 0.9 MB" in full.stderr
    assert checkpoint.verify(small_disk / "run" / "checkpoints" / "step-00000004").step == 4


def test_a_folder_that_cannot_be_written(undisturbed: Path, corpus_folder: Path, small_disk: Path) -> None:
    remount(small_disk, "size=50m")
    run = Path(shutil.copytree(undisturbed, small_disk / "run"))
    remount(small_disk, "ro")
    for folder in (run, small_disk / "new"):
        refused = start(corpus_folder, folder)
        assert refused.returncode == 2
        assert refused.stderr.startswith(f"error: {folder}: ")
        assert "name a folder that you can write to" in refused.stderr
    assert training(run) == training(undisturbed)


def test_a_run_in_use_continues_undisturbed(undisturbed: Path, corpus_folder: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    first = subprocess.Popen(command(corpus_folder, run), stdout=subprocess.DEVNULL, text=True)
    wait_for_step(run, 1, first)
    first.send_signal(signal.SIGSTOP)
    second = start(corpus_folder, run)
    first.send_signal(signal.SIGCONT)
    assert second.returncode == 2
    assert second.stderr == f"error: {run}: another process is training this run\n"
    assert first.wait() == 0
    assert training(run) == training(undisturbed)


@pytest.mark.parametrize("seconds", [-86_400, pytest.param(86_400, marks=pytest.mark.slow)])
def test_a_clock_that_jumps(
    undisturbed: Path, corpus: Corpus, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    """Let the clock jump by a day whenever it is read.

    The rates are taken from a clock that cannot jump, and nothing else reads the time.
    """
    now, looks = time.time(), count()
    monkeypatch.setattr(time, "time", lambda: now + seconds * next(looks))
    assert train(recipe("run.keep_last=9"), corpus, tmp_path / "run", world, "auto")
    shutil.rmtree(tmp_path / "run" / "checkpoints" / "step-00000012")
    assert train(recipe(), corpus, tmp_path / "run", world, "auto")
    assert training(tmp_path / "run") == training(undisturbed)


def test_metrics_cut_in_half_lose_no_checkpoint(
    undisturbed: Path, corpus: Corpus, world: World, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(undisturbed, tmp_path / "run"))
    metrics = (run / "metrics.jsonl").read_bytes()
    (run / "metrics.jsonl").write_bytes(metrics[: len(metrics) // 2])
    assert train(recipe(), corpus, run, world, "auto")
    assert [folder.name for folder in checkpoint.list_checkpoints(run / "checkpoints")] == [
        "step-00000008",
        "step-00000012",
    ]
    kept = training(run)
    assert kept == {step: values for step, values in training(undisturbed).items() if step in kept}
    assert len(kept) >= 4
