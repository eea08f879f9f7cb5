"""`electra recipes` lists the shipped recipes, and shows which file states each key of a recipe."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from configs.common.secrets import without_secrets
from configs.load import RECIPES, assignments, chain, for_corpus, read, shipped
from configs.recipe import flatten


def listing() -> Iterator[str]:
    """Yield a line for each shipped recipe with its name, the shape of its discriminator, and its purpose."""
    for name in shipped():
        tables = read(name)
        yield f"{name:<13} {_shape(tables):<11} {tables['about']}"


def keys_with_origins(recipe: str, overrides: Iterable[str]) -> Iterator[str]:
    """Yield `table.key = value  # file` for every key of the resolved recipe. Raises UserError if it is not valid."""
    overrides = list(overrides)
    tables = read(recipe, overrides)
    for_corpus(tables, recipe)
    origins: dict[str, str] = {}
    for path, stated in chain(recipe):
        origins |= dict.fromkeys(flatten(stated), _name(path))
    origins |= dict.fromkeys(flatten(assignments(overrides)), "the command line")
    for key, value in flatten(tables).items():
        yield f"{f'{key} = {without_secrets(json.dumps(value, ensure_ascii=False))}':<60} # {origins[key]}"


def _shape(tables: dict[str, Any]) -> str:
    """Return LAYERSxWIDTH, or "the model's" for a recipe that takes its shape from a released model."""
    discriminator = tables.get("model", {}).get("discriminator")
    return f"{discriminator['layers']}x{discriminator['hidden']}" if discriminator else "the model's"


def _name(path: Path) -> str:
    return path.stem if path.parent == RECIPES else str(path)
