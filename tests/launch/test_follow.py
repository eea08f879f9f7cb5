"""Jobs that have ended are shown once, and a job that has not succeeded is told by its exit code and its own sentence.

No scheduler is installed here, so the exit codes in the folder of the submission decide; clusters are in
tests/integration.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from configs.common.errors import ElectraError, Unfinished, UserError
from launch.follow import follow
from launch.jobs import Stage
from launch.machines import Slurm
from launch.submissions import Submission

MACHINE = Slurm(backend="slurm", nodes=1, gpus=0, cpus=1)


@pytest.fixture(autouse=True)
def _without_scheduler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


def _submission(home: Path, exits: Mapping[Stage, str | None], logs: Mapping[str, str]) -> Submission:
    folder = home / "submit" / "1"
    folder.mkdir(parents=True)
    submission = Submission(folder, "lab", MACHINE, {stage: str(7 + place) for place, stage in enumerate(exits)})
    submission.write()
    for stage, code in exits.items():
        if code is not None:
            (folder / f"{stage}.exit").write_text(f"{code}\n")
    for name, text in logs.items():
        (folder / name).write_text(text, encoding="utf-8")
    return submission


def test_jobs_that_have_succeeded_are_shown_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = tmp_path / "[bold]run"
    follow(_submission(home, {Stage.pretrain: "0", Stage.export: "0"}, {}))
    assert capsys.readouterr().out.splitlines() == [
        f"{home}: on lab, by submit/1",
        "  pretrain  7        left with exit code 0",
        "  export    8        left with exit code 0",
    ]


@pytest.mark.parametrize(
    ("code", "log", "error", "quoted", "end"),
    [
        ("2", "step 1\nprocess 1: error: no GPU\nsrun: error\n\n", UserError, "process 1: error: no GPU", ""),
        ("2", "error: one\nerror: the last\nTraceback\n", UserError, "error: the last", ""),
        ("1", "step 1\n  Killed  \n\n", Unfinished, "Killed", "; the same command continues"),
        ("1", "\n", Unfinished, "", "; the same command continues"),
        ("75", "an error: amid a line\nend", Unfinished, "end", "; the same command continues"),
    ],
)
def test_a_job_that_failed(
    code: str, log: str, error: type[ElectraError], quoted: str, end: str, tmp_path: Path
) -> None:
    """Code 2 means that the same command would fail again."""
    home = tmp_path / "run"
    submission = _submission(home, {Stage.prepare: "0", Stage.pretrain: code}, {"pretrain-8.log": log})
    reason = f" ({quoted})" if quoted else ""
    sentence = (
        f"{home}: job 8 (pretrain) on lab ended as left with exit code {code}{reason}; its log is "
        f"{home}/submit/1/pretrain-8.log{end}"
    )
    with pytest.raises(error, match=f"^{re.escape(sentence)}$") as raised:
        follow(submission)
    assert type(raised.value) is error


def test_the_first_job_that_failed_is_told_and_its_last_log_is_named(tmp_path: Path) -> None:
    logs = {"prepare-7_0.log": "error: no text\n", "prepare-7_1.log": "done\n", "pretrain-8.log": "error: no corpus\n"}
    submission = _submission(tmp_path / "run", {Stage.prepare: "2", Stage.pretrain: "2"}, logs)
    with pytest.raises(UserError, match=r"job 7 \(prepare\) .* \(error: no text\); its log is .*/prepare-7_1\.log$"):
        follow(submission)


def test_a_job_of_which_nothing_is_known_has_not_succeeded(tmp_path: Path) -> None:
    submission = _submission(tmp_path / "run", {Stage.pretrain: "0", Stage.export: None}, {})
    sentence = "job 8 (export) on lab is not known to its scheduler; it has printed nothing"
    with pytest.raises(Unfinished, match=f"{re.escape(sentence)}$"):
        follow(submission)
