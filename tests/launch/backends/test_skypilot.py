"""Check the tasks for SkyPilot: the command of each node, their order, and the reading of SkyPilot's queue."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from configs.common.errors import UserError
from launch.backends import skypilot
from launch.jobs import Job, Stage, pipeline
from launch.machines import SkyPilot, machine_of
from tests.launch.backends.test_kubernetes import FOLDER, IMAGE, stand_in

GPUS: dict[str, Any] = {
    "backend": "skypilot",
    "nodes": 8,
    "gpus": 8,
    "cpus": 64,
    "accelerator": "H100",
    "image": IMAGE,
    "volumes": {"/shared": "shared"},
}
SPOT: dict[str, Any] = GPUS | {
    "infra": "aws/us-east-1",
    "use_spot": True,
    "environment": {"NCCL_DEBUG": "WARN"},
    "resources": {"disk_size": 512, "network_tier": "best"},
}
SETUP: dict[str, Any] = {
    "backend": "skypilot",
    "nodes": 4,
    "cpus": 16,
    "gpus": 0,
    "infra": "k8s/lab",
    "volumes": {"/shared": "shared"},
    "python": "/shared/my venv/bin/python",
    "setup": "python3 -m venv '/shared/my venv'\n'/shared/my venv/bin/pip' install /shared/electra-pretraining\n",
}
# Each case is a table of machines.toml, and lists of stages that are submitted together.
CASES: dict[str, tuple[dict[str, Any], list[list[Stage]]]] = {
    "gpus": (GPUS, [*([stage] for stage in Stage), [*Stage]]),
    "spot": (SPOT, [[Stage.pretrain]]),
    "setup": (SETUP, [[Stage.prepare], [Stage.pretrain]]),
}


def machine(table: dict[str, Any]) -> SkyPilot:
    made = machine_of(dict(table), "machines.toml", "cloud")
    assert isinstance(made, SkyPilot)
    return made


def jobs(stages: list[Stage], machine: SkyPilot) -> list[Job]:
    recipe, run, corpus = str(FOLDER / "recipe.toml"), FOLDER.parent.parent, Path("/shared/my corpus")
    return pipeline(stages, (recipe,), corpus, run, nodes=4, processes=machine.processes)


def rendered() -> dict[str, str]:
    """Map the name of each golden file to its rendered text."""
    texts: dict[str, str] = {}
    for name, (table, orders) in CASES.items():
        for stages in orders:
            chosen = machine(table)
            for file, text in skypilot.render(jobs(stages, chosen), chosen, FOLDER).items():
                texts[f"skypilot_{name}_{file}"] = text
    return texts


RENDERED = rendered()


def tasks(text: str) -> list[dict[str, Any]]:
    """Return the tasks of a file, without the header of a pipeline."""
    return [each for each in yaml.safe_load_all(text) if each.keys() != {"name"}]


def test_tasks_in_order() -> None:
    """SkyPilot runs the YAML documents one after the other; a document that is only a name is their header."""
    documents = list(yaml.safe_load_all(RENDERED["skypilot_gpus_pipeline.yaml"]))
    assert documents[0].keys() == {"name"}
    assert [task["name"] for task in documents[1:]] == list(Stage)
    for task, stage in zip(documents[1:], Stage, strict=True):
        [alone] = yaml.safe_load_all(RENDERED[f"skypilot_gpus_{stage}.yaml"])
        assert task | {"name": alone["name"]} == alone


def test_stages_without_an_order_are_jobs_of_their_own() -> None:
    chosen = machine(GPUS)
    assert set(skypilot.render(jobs([Stage.evaluate, Stage.export], chosen), chosen, FOLDER)) == {
        "evaluate.yaml",
        "export.yaml",
    }


@pytest.mark.parametrize(("name", "task"), [(name, task) for name in RENDERED for task in tasks(RENDERED[name])])
def test_what_a_node_runs(name: str, task: dict[str, Any], tmp_path: Path) -> None:
    """On the third of four nodes, the shell gives these words to Python."""
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    python.chmod(0o755)
    run = task["run"].replace("'/shared/my venv/bin/python'", "python")
    node = {"SKYPILOT_NODE_RANK": "2", "SKYPILOT_NUM_NODES": "4", "SKYPILOT_NODE_IPS": "10.0.0.1\n10.0.0.2\n10.0.0.3"}
    environment = os.environ | node | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    ran = subprocess.run(["bash", "-euc", run], env=environment, capture_output=True, text=True, check=True)
    words = ran.stdout.splitlines()
    if "prepare" in words:
        assert words[words.index("--task") + 1] == "2/4" and "/shared/my corpus" in words
    elif "launch.torchrun" in words:
        assert words[2:6] == ["--nnodes=4", "--node-rank=2", "--master-addr=10.0.0.1", "--master-port=29500"]
        assert words[words.index("--") + 1 :][:2] == ["pretrain", "pretrain"]
    else:
        assert words[:2] == ["-m", "pretrain"]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("PENDING", "waiting"),
        ("RECOVERING", "running"),
        ("SUCCEEDED", "done"),
        ("FAILED_SETUP", "failed"),
        ("CANCELLED", "failed"),
    ],
)
def test_states(status: str, kind: str) -> None:
    queue = [
        {"job_name": "other", "task_name": "pretrain", "status": "RUNNING"},
        {"job_name": "alone", "task_name": "alone", "status": status},
        {"job_name": "all", "task_name": "prepare", "status": "SUCCEEDED"},
        {"job_name": "all", "task_name": "pretrain", "status": status},
    ]
    assert skypilot.state_of(queue, Stage.pretrain, "alone").kind == kind
    assert skypilot.state_of(queue, Stage.pretrain, "all").kind == kind
    assert skypilot.state_of(queue, Stage.prepare, "all").kind == "done"
    assert skypilot.state_of(queue, Stage.pretrain, "nobody's").kind == "unknown"


@pytest.mark.parametrize("changes", [{"accelerator": None}, {"gpus": 0}])
def test_gpus_have_a_kind(changes: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=r"cloud\.accelerator: .* does not go with gpus"):
        machine(GPUS | changes)


def test_a_pipeline_is_launched_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in("sky", tmp_path, monkeypatch)
    chosen = machine(GPUS)
    ids = dict(skypilot.submit(jobs([*Stage], chosen), chosen, FOLDER))
    [header, *_] = yaml.safe_load_all(RENDERED["skypilot_gpus_pipeline.yaml"])
    assert ids == dict.fromkeys(Stage, header["name"])
    [asked] = (tmp_path / "asked").read_text().splitlines()
    assert json.loads(asked) == ["jobs", "launch", "--yes", "--detach-run", f"{FOLDER}/pipeline.yaml"]


def test_without_sky_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="there is no sky here"):
        list(skypilot.submit(jobs([Stage.prepare], machine(GPUS)), machine(GPUS), FOLDER))
