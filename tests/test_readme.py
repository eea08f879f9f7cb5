"""The README is true: its table counts parameters, its examples are valid."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from configs.load import load, shipped
from pretrain.model.pair import ElectraPair
from tests.published import PUBLISHED

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


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
