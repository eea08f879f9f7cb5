"""The README is true: its table counts parameters, its examples are valid."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from configs.load import load, shipped
from pretrain.model.pair import ElectraPair
from tests.conftest import SMALL
from tests.published import PUBLISHED

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "name", sorted({*shipped()} - {"adapt"})
)  # `adapt` has the shape of the model that it starts from
def test_the_table_counts_parameters(name: str) -> None:
    row = re.search(rf"^\| `{name}` \|.*$", README, flags=re.MULTILINE)
    assert row, f"{name} is not in the table"
    shown = [int(cell.replace(",", "")) for cell in row.group().split("|")[3:7]]
    with torch.device("meta"):
        pair = ElectraPair(load(name))

    def count(*modules: torch.nn.Module) -> int:
        return sum(parameter.numel() for module in modules for parameter in module.parameters())

    backbone = count(pair.embeddings, pair.discriminator)
    generator = count(pair.embeddings, pair.generator, pair.objectives["mlm"])
    assert shown == [backbone, backbone + count(pair.objectives["rtd"]), generator, count(pair)]
    if name in PUBLISHED:
        assert all(published in row.group() for published in PUBLISHED[name].names)


def test_the_recipe_example_is_valid(tmp_path: Path) -> None:
    example = re.search(r"```toml\n(.*?)```", README, flags=re.DOTALL)
    assert example
    (tmp_path / "mine.toml").write_text(example.group(1))
    assert load(str(tmp_path / "mine.toml")).data.row_length == 256


@pytest.mark.slow
def test_the_first_example_runs(text_file: Path, tmp_path: Path) -> None:
    """Run the commands of the example on a smaller recipe, and then run its Python code."""
    example = README.partition("## A first example")[2].partition("\n## ")[0]
    commands, python = (re.search(rf"```{language}\n(.*?)```", example, re.DOTALL) for language in ("sh", "python"))
    assert commands and python
    (tmp_path / "my_text").mkdir()
    (tmp_path / "my_text" / "topics.txt").write_bytes(text_file.read_bytes())
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    for line in commands[1].splitlines():
        _, *words = shlex.split(line)
        smaller = () if words[0] == "export" else (*SMALL, "data.sources=my_text/")
        command = [sys.executable, "-m", "launch.cli", *words, *smaller]
        subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
    answer = subprocess.run([sys.executable, "-c", python[1]], cwd=tmp_path, env=environment, capture_output=True)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.startswith(b"[CLS] ")
