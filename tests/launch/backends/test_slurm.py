"""Check the bash scripts that Slurm receives."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from launch.backends import slurm
from launch.jobs import Job, Stage, pipeline
from launch.machines import Slurm

FOLDER = Path("/shared/runs/base/submit/1")
GPUS = Slurm(
    backend="slurm",
    nodes=16,
    gpus=8,
    cpus=64,
    time="24:00:00",
    account="p100",
    partition="gpu",
    cpu_partition="cpu",
    modules=["cuda/12.8", "nccl"],
    python="/usr/bin/python3",
    wrap=["apptainer", "exec", "--nv", "/shared/my images/electra.sif"],
    environment={"NCCL_SOCKET_IFNAME": "ib0", "NOTE": "it's here"},
    options={"qos": "high", "exclusive": ""},
    warning=600,
)
# This is the shortest possible table.
CORES = Slurm(backend="slurm", nodes=2, gpus=0, cpus=16, python="/opt/electra/bin/python")


def jobs(machine: Slurm, nodes: int) -> list[Job]:
    return pipeline(
        list(Stage),
        [str(FOLDER / "recipe.toml")],
        Path("/shared/my corpus"),
        FOLDER.parent.parent,
        nodes=nodes,
        processes=machine.processes,
    )


def rendered() -> dict[str, str]:
    """Map the name of each golden file to its rendered text."""
    texts = {}
    for name, machine, nodes in (("gpus", GPUS, 4), ("cores", CORES, 1)):
        for file, text in slurm.render(jobs(machine, nodes), machine, FOLDER).items():
            texts[f"slurm_{name}_{file}"] = text
    return texts


RENDERED = rendered()


@pytest.mark.parametrize("name", RENDERED)
def test_a_script_is_valid_bash(name: str) -> None:
    checked = subprocess.run(["bash", "-n"], input=RENDERED[name], capture_output=True, text=True)
    assert checked.returncode == 0 and not checked.stderr
