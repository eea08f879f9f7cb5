"""The tables of docs/recipes.md: every key of a recipe with its type, its meaning and its value in a shipped recipe.

python -m docs.recipe_keys     # writes them into the page; a test fails while the page is not current
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from configs.load import load, read
from configs.recipe import Recipe
from configs.reference import inner_tables, keys

PAGE = Path(__file__).parent / "recipes.md"
_START, _END = "<!-- python -m docs.recipe_keys -->\n", "<!-- end -->\n"
# The recipes whose values are shown: [initial] is in `adapt`, and two objectives are in `health`.
_RECIPES = {"": "small", "initial": "adapt", "objectives.mts": "health", "objectives.csp": "health"}
_OBJECTIVES = ("mlm", "rtd", "mts", "csp")


def page() -> str:
    """The text of docs/recipes.md with current tables."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(_START)
    return f"{before}{_START}\n{chr(10).join(_all_tables())}\n{_END}{rest.partition(_END)[2]}"


def _all_tables() -> Iterator[str]:
    yield from _table("", Recipe)
    for name in _OBJECTIVES:
        module = import_module(f"pretrain.model.objectives.{name}")
        yield from _keys_of(f"objectives.{name}", module.Settings, module.__doc__ or "")


def _table(path: str, schema: type[BaseModel]) -> Iterator[str]:
    """A table, and then the tables in it."""
    yield from _keys_of(path, schema, inspect.getdoc(schema) or "")
    for name, inner in inner_tables(schema).items():
        yield from _table(f"{path}.{name}".lstrip("."), inner)


def _keys_of(path: str, schema: type[BaseModel], about: str) -> Iterator[str]:
    recipe = _RECIPES.get(path, _RECIPES[""])
    values = _values(recipe, path)
    shown = f"in `{recipe}`" if values else "default"
    yield from (f"### {f'[{path}]' if path else 'First lines'}", "", about.partition("\n\n")[0], "")
    yield from (f"| key | type | meaning | {shown} |", "|---|---|---|---|")
    for key in keys(schema):
        value = json.dumps(values[key.name]) if key.name in values else key.default
        yield f"| `{key.name}` | {_cell(key.type)} | {_cell(key.meaning)} | {f'`{value}`' if value else ''} |"
    yield ""


def _values(recipe: str, path: str) -> dict[str, Any]:
    """What a recipe states in a table; nothing for a table that it does not have."""
    values: Any = read(recipe) if recipe == "adapt" else load(recipe).to_dict()
    for name in path.split(".") if path else ():
        values = values.get(name, {}) if isinstance(values, dict) else {}
    return values if isinstance(values, dict) else {}


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
