"""The command line is quick, and it explains mistakes."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner

from launch.cli import app

COMMANDS = ("prepare", "inspect", "pretrain", "export", "evaluate", "submit", "machines", "status", "logs", "recipes")


def electra(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "launch.cli", *arguments], capture_output=True, text=True)


def test_help_takes_less_than_a_second_of_a_core() -> None:
    """The limit is on processor time, because a busy machine takes longer by the clock."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    answer = electra("--help")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert answer.returncode == 0
    assert all(command in answer.stdout for command in COMMANDS)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    answer = CliRunner().invoke(app, [command, "--help"])
    assert answer.exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["prepare", "tiny", "--out", "x", "data.sources=/nowhere"], "/nowhere does not exist"),
        (["prepare", "tiny", "--out", "x", "model.dropot=1"], "did you mean model.dropout"),
        (["prepare", "tinny", "--out", "x"], "did you mean tiny"),
        (["pretrain", "tiny", "--corpus", "/nowhere", "--run", "x"], "/nowhere: no such corpus"),
        (["export", "/nowhere", "--out", "x"], "/nowhere: no such folder"),
        (["inspect", "/nowhere"], "/nowhere: no such folder; name a corpus, a run, an export or a released model"),
        (["submit", "tiny", "--corpus", "c", "--run", "r", "--on", "mars"], "--on: unknown machine mars"),
        (["submit", "tiny", "--corpus", "c", "--run", "r", "--nodes", "2"], "is one node"),
        (["submit", "tiny", "--corpus", "/nowhere", "--run", "r"], "/nowhere: no such corpus"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(arguments: list[str], sentence: str, tmp_path: Path) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "launch.cli", *arguments], capture_output=True, text=True, cwd=tmp_path
    )
    assert answer.returncode == 2
    assert answer.stderr.startswith("error: ")
    assert answer.stderr.count("\n") == 1
    assert sentence in answer.stderr
    assert list(tmp_path.iterdir()) == []


def test_submit_refuses_before_it_starts_anything(corpus_folder: Path, tmp_path: Path) -> None:
    options = ("--corpus", str(corpus_folder), "--run", str(tmp_path / "r"), "--processes", "2")
    answer = electra("submit", "tiny", *options, "data.row_length=128")
    assert answer.returncode == 2
    assert "was prepared with data.row_length = 64" in answer.stderr
    assert answer.stderr.count("\n") == 1


def test_submit_prints_what_it_would_start() -> None:
    options = ["tiny", "--corpus", "my corpus", "--run", "r", "--general", "other", "--processes", "2", "--dry-run"]
    answer = CliRunner().invoke(app, ["submit", *options, "seed=3"])
    assert answer.exit_code == 0
    assert (
        "--nproc-per-node=2 --shutdown-timeout=300 -m -- pretrain pretrain tiny --corpus 'my corpus' --run r seed=3 "
        "--general other" in answer.stdout
    )


def test_inspect_shows_rows_with_their_masks(corpus_folder: Path) -> None:
    answer = CliRunner().invoke(app, ["inspect", str(corpus_folder), "--rows", "2"])
    assert answer.exit_code == 0, answer.output
    assert "train row 1" in answer.stdout
    assert "[CLS]" in answer.stdout
    assert "<" in answer.stdout
    assert "1,200 entries" in answer.stdout


def test_version() -> None:
    answer = electra("--version")
    assert answer.returncode == 0
    assert answer.stdout == f"electra {version('electra-pretraining')}\n"


def test_recipes_are_listed_and_one_is_printed() -> None:
    runner = CliRunner()
    assert "tiny" in runner.invoke(app, ["recipes"]).stdout
    assert "model.embedding = 128" in runner.invoke(app, ["recipes", "tiny"]).stdout


def test_the_shell_completes_commands() -> None:
    environment = os.environ | {"_ELECTRA_COMPLETE": "complete_bash", "COMP_WORDS": "electra pre", "COMP_CWORD": "1"}
    answer = subprocess.run(
        [sys.executable, "-m", "launch.cli"], capture_output=True, text=True, env=environment, check=True
    )
    assert answer.stdout.split() == ["prepare", "pretrain"]
