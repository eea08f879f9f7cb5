"""The processes of a run, and what they agree on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from configs.common.errors import UserError
from pretrain.step.world import join

# Joins a group of two processes through a file, and has the first one run a function that fails.
PROCESS = """
import sys
import torch, torch.distributed as dist
from configs.common.cli import application
from configs.common.errors import Unfinished, UserError
from pretrain.step.world import World, leave

rank, store, kind = int(sys.argv[1]), sys.argv[2], {"UserError": UserError, "Unfinished": Unfinished}[sys.argv[3]]
app = application()

@app.command()
def start():
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
    world = World(rank, 2, torch.device("cpu"), None)
    assert world.first(lambda: f"from {rank}") == "from 0"
    def fail():
        raise kind("the disk is full")
    try:
        world.first(fail)
    finally:
        leave()  # as the command does; a process that ends with an open group may crash in gloo's threads

app(["start"])
"""


@pytest.mark.parametrize(("kind", "exit_code"), [("UserError", 2), ("Unfinished", 75)])
def test_all_processes_leave_with_the_exit_code_of_the_first(kind: str, exit_code: int, tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROCESS]
    processes = [
        subprocess.Popen([*command, str(rank), str(tmp_path / "store"), kind], stderr=subprocess.PIPE, text=True)
        for rank in (0, 1)
    ]
    errors = [process.communicate()[1] for process in processes]
    assert [process.returncode for process in processes] == [exit_code, exit_code], errors
    assert errors[0].endswith("error: the disk is full\n")
    assert "the disk is full" not in errors[1]


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("", "MASTER_ADDR: is empty, and there are 2 processes"),
        ("no-such.invalid", "cannot be resolved"),
    ],
)
def test_processes_that_cannot_find_the_first_are_refused(
    address: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": address, "MASTER_PORT": "29500"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match=sentence):
        join()
