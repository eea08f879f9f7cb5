"""Call Slurm's commands with stand-ins; tests/integration/test_clusters.py calls a real Slurm."""

from __future__ import annotations

from pathlib import Path

import pytest

from configs.common.errors import ElectraError, Unfinished, UserError
from configs.common.slurm import failure_of, slurm, states_of


def command(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that is searched for programs before all other folders."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def test_states_by_array_index(path: Path) -> None:
    command(path, "squeue", "printf '3|RUNNING|None|\\n4|PENDING|Resources|\\n'")
    assert states_of("12") == {"3": ("RUNNING", "None"), "4": ("PENDING", "Resources")}


def test_a_job_that_slurm_has_forgotten_has_no_states(path: Path) -> None:
    command(path, "squeue", "echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1")
    assert states_of("12") == {}


@pytest.mark.parametrize(("program", "kind"), [("sbatch", UserError), ("squeue", Unfinished)])
def test_a_refused_submission_is_a_mistake_and_a_silent_controller_passes(
    path: Path, program: str, kind: type[ElectraError]
) -> None:
    command(path, program, "echo 'error: no such partition' >&2; exit 1")
    with pytest.raises(kind, match=f"{program}: error: no such partition"):
        slurm(program)


def test_without_slurm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="there is no squeue here"):
        slurm("squeue")


@pytest.mark.parametrize(
    ("state", "reason", "failure"),
    [
        ("RUNNING", "None", None),
        ("COMPLETED", "None", None),
        ("OUT_OF_MEMORY", "None", "OUT_OF_MEMORY"),
        ("PENDING", "JobHeldUser", "JobHeldUser"),
        ("PENDING", "Priority", None),
    ],
)
def test_failures(state: str, reason: str, failure: str | None) -> None:
    assert failure_of(state, reason) == failure
