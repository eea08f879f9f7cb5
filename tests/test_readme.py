"""The README says what is there: its commands parse, its tree is the tree, its numbers are counted."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import torch
import typer

from configs.load import from_tables, load, read, shipped
from launch.cli import app
from pretrain.model.pair import ElectraPair
from tests.published import PUBLISHED

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^electra .+$", README, flags=re.MULTILINE)
DOMAIN = (ROOT / "docs" / "adapt.md").read_text(encoding="utf-8").replace("\\\n", "")


@pytest.mark.parametrize("line", [*COMMANDS, *re.findall(r"^electra .+$", DOMAIN, flags=re.MULTILINE)])
def test_every_command_parses(line: str) -> None:
    group = typer.main.get_command(app)
    _, name, *arguments = shlex.split(line)
    command = group.commands[name]  # type: ignore[attr-defined]  a group, since app has several commands
    context = command.make_context(name, list(arguments))
    if "recipe" in context.params:
        # A recipe that goes on from a model has its shape and its vocabulary from there.
        theirs = {name: load("base").to_dict()[name] for name in ("model", "vocabulary")}
        theirs["vocabulary"]["source"] = "vocab.txt"
        known = theirs if context.params.get("init_from") else None
        from_tables(read(context.params["recipe"], context.params["overrides"] or (), known), line)


def test_all_commands_are_shown() -> None:
    assert {line.split()[1] for line in COMMANDS} == set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]  a group


@pytest.mark.parametrize(
    "name", sorted({*shipped()} - {"adapt"})
)  # which has the shape of the model that it goes on from
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
