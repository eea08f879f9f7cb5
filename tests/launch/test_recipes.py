"""Test `electra recipes`."""

from __future__ import annotations

from pathlib import Path

import pytest

from configs.common.errors import UserError
from configs.load import load, shipped
from configs.recipe import flatten
from launch.recipes import keys_with_origins, listing


def origins(lines: list[str]) -> dict[str, tuple[str, str]]:
    """Map each key to its (value, origin)."""
    split = [line.rpartition(" # ") for line in lines]
    return {left.partition(" = ")[0]: (left.partition(" = ")[2].strip(), origin) for left, _, origin in split}


def test_every_shipped_recipe_is_listed_with_its_shape() -> None:
    lines = {line.split()[0]: line for line in listing()}
    assert list(lines) == shipped()
    assert "12x768" in lines["base"]
    assert "the model's" in lines["adapt"]


def test_each_key_names_the_file_that_states_it(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('extends = "zh_small"\nname = "mine"\n[schedule]\nsteps = 5000\nwarmup_steps = 50\n')
    key_origins = origins(list(keys_with_origins(str(path), ["batch.rows=64"])))
    assert key_origins["schedule.steps"] == ("5000", str(path))
    assert key_origins["batch.rows"] == ("64", "the command line")
    assert key_origins["model.discriminator.hidden"] == ("256", "small")
    assert key_origins["data.sources"][1] in ("zh_small", "small")
    assert key_origins.keys() >= flatten(load("small").to_dict()["model"], "model.").keys()


def test_an_invalid_recipe_is_refused() -> None:
    with pytest.raises(UserError, match=r"unknown key model\.dropot"):
        list(keys_with_origins("tiny", ["model.dropot=1"]))
