"""The names, cores and folders of jobs that are handed over in one file, and the words of a command that refuses."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest

from configs.common.errors import UserError
from launch.backends.commands import Bundle, bundles, output, refuse_outside, threads
from launch.jobs import Job, Stage, pipeline

FOLDER = Path("/shared/runs/base/submit/1")


def _jobs(*stages: Stage, run: str = "/shared/runs/base", processes: int | None = 8) -> list[Job]:
    return pipeline(stages, ["base"], Path("/shared/text"), Path(run), nodes=1, processes=processes)


@pytest.mark.parametrize("run", ["base", "Größe_1", "模型", "x" * 100, "a-" * 50])
def test_a_name_is_a_short_label_of_dns(run: str) -> None:
    [bundle] = bundles(_jobs(Stage.pretrain, run=f"/shared/{run}"), FOLDER)
    assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", bundle.name) and len(bundle.name) <= 40
    [other] = bundles(_jobs(Stage.pretrain, run=f"/shared/{run}"), FOLDER.with_name("2"))
    assert other.name != bundle.name


def test_jobs_that_wait_for_each_other_are_one_bundle() -> None:
    [bundle] = bundles(_jobs(Stage.pretrain, Stage.export), FOLDER)
    assert bundle.is_pipeline and bundle.file == FOLDER / "pipeline.yaml"
    assert bundle.name.startswith("electra-pipeline-base-")
    [alone] = bundles(_jobs(Stage.export), FOLDER)
    assert not alone.is_pipeline and alone.file == FOLDER / "export.yaml"
    assert bundles([], FOLDER) == []


@pytest.mark.parametrize(
    ("stage", "processes", "expected"),
    [
        (Stage.pretrain, 8, {"OMP_NUM_THREADS": "8"}),
        (Stage.pretrain, 100, {"OMP_NUM_THREADS": "1"}),
        (Stage.pretrain, None, {"OMP_NUM_THREADS": "64"}),
        (Stage.evaluate, 8, {"OMP_NUM_THREADS": "64"}),
        (Stage.export, 8, {}),
    ],
)
def test_the_cores_are_divided_among_processes(stage: Stage, processes: int | None, expected: dict[str, str]) -> None:
    [job] = _jobs(stage, processes=processes)
    assert threads(job, 64) == expected


def test_the_output_of_a_command_or_its_last_words() -> None:
    assert output([sys.executable, "-c", "print('好')"]) == "好\n"
    with pytest.raises(UserError, match=r"refused: two; three; four$"):
        output([sys.executable, "-c", "raise SystemExit('one\\ntwo\\nthree\\nfour')"])
    with pytest.raises(UserError, match=r"refused: nothing$"):
        output([sys.executable, "-c", "raise SystemExit(1)"])
    with pytest.raises(UserError, match=r"there is no no-such-command here; submit where it is installed"):
        output(["no-such-command"])


def test_a_folder_outside_of_the_volumes_is_refused() -> None:
    bundle = Bundle(tuple(_jobs(Stage.pretrain)), FOLDER)
    refuse_outside(bundle, ["/other", "/shared"])
    with pytest.raises(UserError, match=r"^/shared/text: is in none of the machine's volumes \(/shared/runs, /share\)"):
        refuse_outside(bundle, ["/shared/runs", "/share"])


@pytest.mark.parametrize(
    "inputs", [{"init_from": "/home/it"}, {"continue_from": Path("/home/it")}, {"general": Path("/home/it")}]
)
def test_every_input_of_a_job_is_in_a_volume(inputs: dict[str, Any]) -> None:
    corpus, run = Path("/shared/text"), Path("/shared/run")
    (job,) = pipeline([Stage.pretrain], ["base"], corpus, run, nodes=1, processes=1, **inputs)
    with pytest.raises(UserError, match=r"^/home/it: is in none of the machine's volumes"):
        refuse_outside(Bundle((job,), FOLDER), ["/shared"])


def test_a_path_that_leads_out_of_a_volume_is_refused() -> None:
    bundle = Bundle(tuple(_jobs(Stage.pretrain, run="/shared/../home/run")), FOLDER)
    with pytest.raises(UserError, match=r"^/shared/\.\./home/run: is in none"):
        refuse_outside(bundle, ["/shared"])
