"""The page of recipes is current."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import BaseModel

from configs.recipe import Recipe
from configs.reference import inner_tables, keys
from docs.recipe_keys import PAGE, page


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m docs.recipe_keys"


def _tables(schema: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield schema
    for inner in inner_tables(schema).values():
        yield from _tables(inner)


@pytest.mark.parametrize("schema", sorted({*_tables(Recipe)}, key=str), ids=lambda schema: schema.__name__)
def test_every_key_has_a_meaning(schema: type[BaseModel]) -> None:
    for key in keys(schema):
        assert key.meaning.endswith("."), f"write a docstring under {schema.__name__}.{key.name}"
