"""The reference of a table gives people its keys: names, types with bounds, meanings and defaults."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from configs.recipe import Recipe
from configs.reference import Key, inner_tables, keys
from configs.schema import Count, Share, Table


class InnerTable(Table):
    depth: Count
    """How deep it is."""


class ExampleTable(Table):
    share: Share
    """A share of
    something."""
    number: Annotated[float, Field(gt=0, lt=1)] = 0.5
    choice: Count | Literal["fresh"]
    flag: Literal[True, False, "maybe"]
    names: tuple[str, ...] = ()
    inner: InnerTable
    several: tuple[InnerTable, ...]


def test_every_kind_of_key() -> None:
    assert keys(ExampleTable) == [
        Key("share", "number ≥ 0, ≤ 1", "A share of something.", ""),
        Key("number", "number > 0, < 1", "", "0.5"),
        Key("choice", 'integer ≥ 1 or `"fresh"`', "", ""),
        Key("flag", '`true` or `false` or `"maybe"`', "", ""),
        Key("names", "list", "", "[]"),
    ]
    assert inner_tables(ExampleTable) == {"inner": InnerTable, "several": InnerTable}


def test_a_recipe_is_its_tables() -> None:
    assert [key.name for key in keys(Recipe)] == ["name", "about", "seed", "objectives", "deepspeed"]
    assert {"data", "masking", "model", "optimizer", "initial"} <= inner_tables(Recipe).keys()
