"""Find machines.toml in its places, and answer every mistake in it with one sentence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from configs.common.errors import UserError
from launch.machines import LOCAL, Slurm, find, machines

MINE = """
[mine]
backend = "slurm"
nodes = 16
gpus = 8
cpus = 64
time = "1-12:00:00"
modules = ["cuda/12.8"]
environment = { NCCL_SOCKET_IFNAME = "ib0" }
options = { qos = "high", exclusive = "" }
"""


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a working folder, and a user's configuration beside it."""
    (tmp_path / "work").mkdir()
    (tmp_path / "config" / "electra").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


def test_this_machine_needs_no_file() -> None:
    assert machines() == {"local": (LOCAL, "always there")}


def test_the_working_folder_stands_over_the_users_own(folders: Path) -> None:
    own = folders / "config" / "electra" / "machines.toml"
    own.write_text(MINE + '[desk]\nbackend = "local"\ngpus = 2\n')
    Path("machines.toml").write_text(MINE.replace("16", "4"))
    assert find("mine").nodes == 4
    assert find("desk").gpus == 2
    assert {name: where for name, (_, where) in machines().items()} == {
        "local": "always there",
        "mine": "machines.toml",
        "desk": str(own),
    }


def test_a_table_is_a_machine() -> None:
    Path("machines.toml").write_text(MINE)
    mine = find("mine")
    assert isinstance(mine, Slurm)
    assert (mine.processes, mine.time, mine.modules, mine.warning) == (8, "1-12:00:00", ["cuda/12.8"], 300)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("cpus", "cpu"), "machines.toml: unknown key mine.cpu; did you mean mine.cpus?"),
        (("cpus = 64", ""), "machines.toml: mine.cpus: missing"),
        (("= 16", '= "16"'), "machines.toml: mine.nodes: '16' is not a valid integer"),
        (("= 16", "= 0"), "machines.toml: mine.nodes: 0 is not greater than or equal to 1"),
        (('"slurm"', '"slrum"'), "machines.toml: mine.backend: unknown backend slrum; did you mean slurm?"),
        (('backend = "slurm"', ""), "machines.toml: mine.backend: missing; there are local, slurm"),
        (('"1-12:00:00"', '"36h"'), "machines.toml: mine.time: '36h' is no duration of Slurm"),
        (
            ('"1-12:00:00"', '"5:00"'),
            "machines.toml: mine.warning: 300 seconds are not within time (5:00, 300 seconds)",
        ),
        (("[mine]", "mine = 1\n[other]"), "machines.toml: mine: 1 is not a table"),
        (("[mine]", "[mine"), "machines.toml: not a TOML file"),
        (('["cuda/12.8"]', '"cuda/12.8"'), "machines.toml: mine.modules: 'cuda/12.8' is not a valid list"),
        (('"ib0"', "1"), "machines.toml: mine.environment.NCCL_SOCKET_IFNAME: 1 is not a valid string"),
        (("NCCL_SOCKET_IFNAME", '"NCCL IFNAME"'), "machines.toml: mine.environment: 'NCCL IFNAME' is no name"),
        (
            ("NCCL_SOCKET_IFNAME", "WANDB_API_KEY"),
            "machines.toml: mine.environment: WANDB_API_KEY is a secret and would be written into the files of",
        ),
    ],
)
def test_a_mistake_is_one_sentence(change: tuple[str, str], sentence: str) -> None:
    Path("machines.toml").write_text(MINE.replace(*change))
    with pytest.raises(UserError) as refused:
        find("mine")
    assert str(refused.value).startswith(sentence)
    assert "\n" not in str(refused.value).removeprefix(sentence)


def test_the_example_in_the_documentation_is_valid() -> None:
    docs = Path(__file__).parent.parent.parent / "docs" / "clusters.md"
    examples = re.findall(r"```toml\n(.*?)```", docs.read_text(encoding="utf-8"), flags=re.DOTALL)
    Path("machines.toml").write_text("\n".join(examples))
    assert len(machines()) == 1 + len(re.findall(r"^\[\w+\]", "\n".join(examples), flags=re.MULTILINE)) > 1


def test_an_unknown_machine_lists_those_there_are() -> None:
    Path("machines.toml").write_text(MINE)
    with pytest.raises(UserError, match=r"--on: unknown machine mars; there are local, mine \(machines.toml and"):
        find("mars")
    with pytest.raises(UserError, match="--on: unknown machine mien; did you mean mine"):
        find("mien")
