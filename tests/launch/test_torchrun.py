"""Torchrun is started with our exit codes, and with a layout that cannot silently differ from the requested layout."""

from __future__ import annotations

import subprocess
import sys

import pytest

from configs.common.errors import UserError
from launch.torchrun import complete_layout

PROGRAM = ["-m", "--", "pretrain", "pretrain", "tiny", "--run", "r", "--nnodes=9"]


@pytest.mark.parametrize("options", [["--nproc-per-node", "8"], ["--nproc_per_node=8", "--shutdown-timeout", "300"]])
def test_without_a_layout_a_free_port_is_taken(options: list[str]) -> None:
    """Without --standalone, two torchruns on one machine would meet at the port 29500."""
    assert complete_layout([*options, *PROGRAM], {}) == ["--standalone", *options, *PROGRAM]


@pytest.mark.parametrize(
    ("options", "environment"),
    [
        (["--standalone"], {}),
        (["--nnodes=2", "--node-rank=1", "--master-addr=10.0.0.1"], {}),
        (["--nnodes", "2", "--rdzv_endpoint", "host:1"], {}),
        ([], {"PET_NNODES": "2", "PET_NODE_RANK": "0", "PET_MASTER_ADDR": "head"}),
    ],
)
def test_a_layout_that_is_given_stays(options: list[str], environment: dict[str, str]) -> None:
    assert complete_layout([*options, *PROGRAM], environment) == [*options, *PROGRAM]


@pytest.mark.parametrize(
    ("options", "environment"),
    [
        (["--nnodes=2", "--master-addr="], {}),
        (["--nnodes=2", "--master-addr", ""], {}),
        (["--master_addr", "--nnodes=2"], {}),
        (["--nnodes=2"], {"PET_MASTER_ADDR": " "}),
    ],
)
def test_an_empty_address_is_an_error_and_not_this_machine(options: list[str], environment: dict[str, str]) -> None:
    with pytest.raises(UserError, match="--master-addr: empty"):
        complete_layout([*options, *PROGRAM], environment)


def test_the_error_is_a_sentence_and_exit_code_2() -> None:
    command = [sys.executable, "-m", "launch.torchrun", "--nnodes=2", "--master-addr=", *PROGRAM]
    answer = subprocess.run(command, capture_output=True, text=True)
    assert answer.returncode == 2
    assert answer.stderr.startswith("error: --master-addr: empty") and answer.stderr.count("\n") == 1
