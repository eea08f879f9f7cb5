"""Run benchmarks/faults.py briefly: a run that is killed in a certain phase resumes as if it had not been killed."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from benchmarks import faults, isolation


@pytest.fixture(scope="module")
def own_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return faults.make_corpus(tmp_path_factory.mktemp("faults"))


@pytest.mark.slow
@pytest.mark.parametrize(("processes", "stage", "phases"), [(1, 0, ("write", "delete")), (2, 1, faults.PHASES)])
def test_killed_in_every_phase(
    own_corpus: Path, tmp_path: Path, processes: int, stage: int, phases: tuple[str, ...]
) -> None:
    overrides = [*faults.SETTINGS, f"schedule.steps={20 * len(phases)}", f"compute.zero_stage={stage}"]
    whole, run = (
        isolation.training("tiny", own_corpus, tmp_path / name, processes, overrides) for name in ("whole", "run")
    )
    assert faults.begin(whole).wait() == 0
    kills = faults.torment(run, tmp_path / "run", tmp_path / "whole", phases, random.Random(1))
    assert [kill.phase for kill in kills] == list(phases)
    for kill in kills:
        expected = {"write": ".writing-", "delete": ".deleting-"}.get(kill.phase, "")
        assert any(expected in name for name in kill.left) or not expected
