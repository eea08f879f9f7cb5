"""The commands of jobs on this machine, and what happens when one of several jobs fails.

Signals to the jobs are in tests/integration/test_signals.py.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from launch.backends.local import become, command, render
from launch.jobs import Job, Stage, pipeline
from launch.machines import LOCAL, Local

DEEPSPEED = Local(backend="local", launcher="deepspeed", hostfile="主机")


def _job(stage: Stage, processes: int | None = 2, nodes: int = 1) -> Job:
    [job] = pipeline([stage], ["tiny", "seed=2"], Path("/c"), Path("/my run"), nodes=nodes, processes=processes)
    return job


def test_a_corpus_is_prepared_as_a_single_share() -> None:
    expected = ["-m", "data_prep", "prepare", "tiny", "seed=2", "--out", "/c", "--task", "0/1"]
    assert command(_job(Stage.prepare), LOCAL) == [sys.executable, *expected]


def test_pretraining_is_started_by_torchrun() -> None:
    words = command(_job(Stage.pretrain), LOCAL)
    assert words[:4] == [sys.executable, "-m", "launch.torchrun", "--standalone"]
    assert "--nproc-per-node=2" in words and words[words.index("--") + 1 :][:2] == ["pretrain", "pretrain"]
    assert "--nproc-per-node=auto" in command(_job(Stage.pretrain, processes=None), LOCAL)


def test_deepspeed_starts_pretraining_alone() -> None:
    words = command(_job(Stage.pretrain, nodes=3), DEEPSPEED)
    layout = ["--hostfile", "主机", "--num_nodes", "3", "--num_gpus", "2", "--no_local_rank", "--module", "pretrain"]
    assert words[1:13] == ["-m", "deepspeed.launcher.runner", *layout, "pretrain"]
    assert "--num_gpus" not in command(_job(Stage.pretrain, processes=None), DEEPSPEED)
    assert command(_job(Stage.export), DEEPSPEED) == command(_job(Stage.export), LOCAL)


def test_a_rendered_command_can_be_typed() -> None:
    line = render(_job(Stage.export), LOCAL)
    assert "'/my run'" in line and shlex.split(line) == command(_job(Stage.export), LOCAL)


def test_a_job_that_fails_is_the_last_one(tmp_path: Path) -> None:
    jobs = pipeline(
        [Stage.prepare, Stage.export], ["no-such-recipe"], tmp_path / "c", tmp_path / "r", nodes=1, processes=1
    )
    with pytest.raises(SystemExit) as ended:
        become(jobs, LOCAL)
    assert ended.value.code == 2 and not (tmp_path / "c").exists()


def test_the_last_job_takes_the_place_of_the_process() -> None:
    code = (
        "from pathlib import Path; from launch.backends.local import become; from launch.jobs import Job, Stage\n"
        "from launch.machines import LOCAL\n"
        "become([Job(Stage.prepare, ('no-such-recipe', '--out', 'c'), Path('c'), Path('c'))], LOCAL)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.returncode == 2 and "unknown recipe no-such-recipe" in ended.stderr
