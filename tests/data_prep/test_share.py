"""With `prepare --task i/n`, several processes share the tasks of one folder."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.data_prep.conftest import Preparations, fingerprint, finished, holding, wait_until


@pytest.mark.parametrize("count", [1, 2, 5])
def test_shares_make_the_corpus_of_one_process(
    preparations: Preparations, whole: dict[str, str], tmp_path: Path, count: int
) -> None:
    out = tmp_path / "out"
    shares = [preparations.start(out, "--task", f"{number}/{count}", "--workers", "1") for number in range(count)]
    outputs = [share.communicate() for share in shares]
    assert all(share.returncode == 0 for share in shares), outputs
    assert fingerprint(out) == whole
    assert sum("training a vocabulary" in error for _, error in outputs) == 1
    assert any("training rows" in output for output, _ in outputs)
    again = preparations.run(out, "--task", "0/3")
    assert again.returncode == 0 and "training rows" in again.stdout  # a cluster may start a job twice


def test_a_share_leaves_the_others_alone_and_resumes(
    preparations: Preparations, whole: dict[str, str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    first = preparations.run(out, "--task", "0/2", "--workers", "2")
    assert "share 0/2 is finished;" in first.stdout and not (out / "manifest.json").exists()
    marks = finished(out)
    assert marks and all(int(name) % 2 == 0 for name in marks)
    again = preparations.run(out, "--task", "0/2")
    assert again.returncode == 0 and finished(out) == marks
    assert preparations.run(out).returncode == 0  # one process resumes from the finished tasks of the shares
    assert fingerprint(out) == whole


def test_killed_and_repeated_shares_give_the_same_bytes(
    preparations: Preparations, whole: dict[str, str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with holding(out, 2, 4):
        first, second = (preparations.start(out, "--task", f"{number}/2", "--workers", "1") for number in (0, 1))
        wait_until(lambda: finished(out))
        os.killpg(first.pid, signal.SIGKILL)
        second.communicate()
        first.communicate()
    marks = finished(out)
    with holding(out, 4):
        again = preparations.start(out, "--task", "0/2", "--workers", "1")
        twin = preparations.start(out, "--task", "0/2", "--workers", "1")
        wait_until(lambda: len(finished(out)) > len(marks))
        assert marks.items() <= finished(out).items()
    outputs = [process.communicate() for process in (again, twin)]
    assert again.returncode == twin.returncode == 0, outputs
    assert fingerprint(out) == whole


def test_who_prepares_alone_is_refused_beside_shares(
    preparations: Preparations, whole: dict[str, str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with holding(out, 5):
        share = preparations.start(out, "--task", "0/1", "--workers", "1")
        wait_until(lambda: finished(out))
        refused = preparations.run(out)
    assert refused.returncode == 2 and "another process is preparing it" in refused.stderr
    share.communicate()
    assert fingerprint(out) == whole


def test_a_share_waits_for_who_prepares_alone(
    preparations: Preparations, whole: dict[str, str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with holding(out, 5):
        alone = preparations.start(out, "--workers", "1")
        wait_until(lambda: finished(out))
        share = preparations.start(out, "--task", "1/2")
        assert share.stderr and "waiting for the process that prepares it alone" in share.stderr.readline()
    alone.communicate()
    share.communicate()
    assert share.returncode == alone.returncode == 0
    assert fingerprint(out) == whole


def test_a_kill_before_the_clearing_up_is_made_good(
    preparations: Preparations, whole: dict[str, str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert preparations.run(out, "--workers", "2").returncode == 0
    (out / ".prepare" / "locks").mkdir(parents=True)
    again = preparations.run(out)
    assert again.returncode == 0 and "training rows" in again.stdout
    assert fingerprint(out) == whole


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--task", "2/2"), "--task 2/2: must be i/n, with i from 0 to n - 1"),
        (("--task", "one"), "--task one: must be i/n"),
        (("--task", "0/2", "--engine", "ray"), "--engine ray shares by itself"),
        (("--sbatch", "partition=all"), "--sbatch partition=all: is for --engine slurm"),
    ],
)
def test_options_that_do_not_fit(
    preparations: Preparations, tmp_path: Path, options: tuple[str, ...], sentence: str
) -> None:
    refused = preparations.run(tmp_path / "out", *options)
    assert refused.returncode == 2 and sentence in refused.stderr
    assert not (tmp_path / "out").exists()


def test_a_dry_run_writes_nothing(preparations: Preparations, tmp_path: Path) -> None:
    done = preparations.run(tmp_path / "out", "--dry-run", "--workers", "2")
    size = (preparations.folder / "text.txt").stat().st_size
    assert done.returncode == 0 and f"{size:,} bytes" in done.stdout, done
    assert not (tmp_path / "out").exists()
