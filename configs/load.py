"""Read a recipe by its name and overrides, and check it. Every error is a sentence that says what is wrong."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from configs.common.errors import UserError, unknown
from configs.recipe import CorpusRecipe, Recipe

Schema = TypeVar("Schema", bound=BaseModel)

# tomllib raises ValueError for wrong bytes, wrong syntax and numbers that are too long to convert. It raises
# RecursionError for tables that are nested too deeply.
_NOT_TOML = (ValueError, RecursionError)
_SHAPE_MISSING = ("missing", ("model",))
RECIPES = Path(__file__).parent / "recipes"


def shipped() -> list[str]:
    """Return the names of the recipes that come with the product."""
    return sorted(path.stem for path in RECIPES.glob("*.toml"))


def load(recipe: str, overrides: Iterable[str] = ()) -> Recipe:
    """Read a shipped recipe by name, or a TOML file by path, and apply `table.key=value` overrides.

    Raises UserError, with the dotted key and the value, for anything that is not a valid recipe.
    """
    return from_tables(read(recipe, overrides), recipe)


def read(recipe: str, overrides: Iterable[str] = (), replacements: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the tables of a recipe, not yet checked.

    Values in `known` replace values of the recipe, and overrides replace both.
    """
    tables: dict[str, Any] = {}
    for _, stated in chain(recipe):
        _lay_over(tables, stated)
    _lay_over(tables, replacements or {})
    for override in overrides:
        _override(tables, override)
    _refuse_other_than_tables(tables, recipe)
    return tables


def read_stated(recipe: str, overrides: Iterable[str] = ()) -> dict[str, Any]:
    """Return the keys that the user wrote: overrides, and keys of TOML files that are not shipped with the product."""
    stated: dict[str, Any] = {}
    for path, tables in chain(recipe):
        if path.resolve().parent != RECIPES.resolve():
            stated = _lay_over(stated, tables)
    for override in overrides:
        _override(stated, override)
    _refuse_other_than_tables(stated, recipe)
    return stated


def _refuse_other_than_tables(tables: Mapping[str, Any], recipe: str) -> None:
    """Raise UserError for a value where a recipe has a table, such as `model = 3`."""
    for name, field in Recipe.model_fields.items():
        if name in tables and field.annotation not in (str, int) and not isinstance(tables[name], Mapping):
            raise UserError(f"{recipe}: {name}: {tables[name]!r} is not a table")


def chain(recipe: str) -> list[tuple[Path, dict[str, Any]]]:
    """Return (file, its own tables) of a recipe and all recipes that it extends. The most basic recipe comes first."""
    path, files = _find(recipe), list[tuple[Path, dict[str, Any]]]()
    while True:
        if path.resolve() in [file.resolve() for file, _ in files]:
            raise UserError(f"{files[0][0]}: extends: a recipe extends itself")
        tables = read_toml(path)
        parent = tables.pop("extends", None)
        files.insert(0, (path, tables))
        if parent is None:
            return files
        if not isinstance(parent, str):
            raise UserError(f"{path}: extends: {parent!r} is not the name or the path of one recipe")
        beside = path.parent / parent
        path = beside if _is_file(beside) else _find(parent)


def read_toml(path: Path) -> dict[str, Any]:
    """Return the tables of a TOML file, with or without a byte order mark. Raises UserError if it cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, *_NOT_TOML) as error:
        raise UserError(f"{path}: not a TOML file ({error})") from None


def assignments(overrides: Iterable[str]) -> dict[str, Any]:
    """Return tables that hold only the given `key=value` overrides, for settings that belong to no recipe."""
    tables: dict[str, Any] = {}
    for override in overrides:
        _override(tables, override)
    return tables


def for_corpus(tables: Mapping[str, Any], origin: str) -> CorpusRecipe:
    """Return the part of a recipe that preparation needs. All tables are checked, but the table [model] may be missing.

    A recipe that continues from a released model takes the shape of the model from there.
    """
    try:
        return Recipe.model_validate(tables)
    except ValidationError as error:
        others = [problem for problem in error.errors() if (problem["type"], problem["loc"][:1]) != _SHAPE_MISSING]
        if others:
            raise UserError(f"{origin}: {_sentence(others, Recipe, '')}") from None
    loaded = validate(CorpusRecipe, {name: tables[name] for name in CorpusRecipe.model_fields}, origin)
    positions = tables["model"].get("max_positions") if isinstance(tables.get("model"), dict) else None
    if isinstance(positions, int) and loaded.data.row_length > positions:
        raise UserError(
            f"{origin}: data.row_length: {loaded.data.row_length} is above model.max_positions ({positions})"
        )
    return loaded


def from_tables(tables: Mapping[str, Any], origin: str) -> Recipe:
    """Return the Recipe that plain dictionaries describe. The sentence of an error begins with `origin`."""
    return validate(Recipe, tables, origin)


def validate(schema: type[Schema], tables: Mapping[str, Any], origin: str, prefix: str = "") -> Schema:
    """Return `tables` as a `schema`. Raises UserError with the first wrong key, preceded by `prefix`."""
    try:
        return schema.model_validate(tables)
    except ValidationError as error:
        raise UserError(f"{origin}: {_sentence(error.errors(), schema, prefix)}") from None


def _find(recipe: str) -> Path:
    for path in (RECIPES / f"{recipe}.toml", Path(recipe)):
        if _is_file(path):
            return path
    raise UserError(unknown("recipe", recipe, shipped(), "; or name a TOML file"))


def _is_file(path: Path) -> bool:
    """Return whether `path` is a file. Unlike Path.is_file, do not raise OSError for a name that is too long."""
    return os.path.isfile(path)  # noqa: PTH113  Path.is_file raises OSError


def _lay_over(base: dict[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    for key, value in top.items():
        both = isinstance(value, dict) and isinstance(base.get(key), dict)
        base[key] = _lay_over(base[key], value) if both else value
    return base


def _override(tables: dict[str, Any], override: str) -> None:
    """Apply a `table.key=value`. The value is read as TOML (`0.1`, `true`, `["a", "b"]`), or else as a string."""
    dotted, equals, text = override.partition("=")
    if not equals or not dotted:
        raise UserError(f"{override}: not an override; write table.key=value, such as schedule.steps=1000")
    *parents, leaf = dotted.strip().split(".")
    for parent in parents:
        tables = tables.setdefault(parent, {})
        if not isinstance(tables, dict):
            raise UserError(f"{dotted}: {parent} is a value, not a table")
    try:
        tables[leaf] = tomllib.loads(f"value = {text}")["value"]
    except _NOT_TOML:
        tables[leaf] = text


def _sentence(errors: list[ErrorDetails], schema: type[BaseModel], prefix: str) -> str:
    """Return the first problem as `dotted.key: what is wrong`. Unknown keys come first: they explain other problems."""
    problems = sorted(errors, key=lambda problem: problem["type"] != "extra_forbidden")
    problem = problems[0]
    dotted = (prefix + _dotted(problem)).rstrip(".")  # A problem of the whole table has no key after the prefix.
    match problem["type"]:
        case "extra_forbidden":
            return unknown("key", dotted, [prefix + key for key in _keys(schema)])
        case "missing":
            if schema is not Recipe:
                return f"{dotted}: missing"
            missing = ", ".join(prefix + _dotted(other) for other in problems if other["type"] == "missing")
            return f'{missing}: missing; a recipe states every number (extends = "small" takes over those of small)'
        case "value_error":
            inner = str(problem.get("ctx", {})["error"])
            return f"{dotted.rpartition('.')[0]}.{inner}" if inner.startswith(_leaf(dotted)) else _join(dotted, inner)
        case _:
            # If a key may have one of several types, pydantic reports a problem for each type.
            wanted = [_wanted(other) for other in problems if prefix + _dotted(other) == dotted]
            return f"{dotted}: {problem['input']!r} is not {' or '.join(wanted)}"


def _dotted(problem: ErrorDetails) -> str:
    """Return the key of a problem as a user writes it, without the branch of a union that pydantic appends."""
    branches = ("constrained-", "literal[", "function-")
    return ".".join(str(part) for part in problem["loc"] if not (isinstance(part, str) and part.startswith(branches)))


def _leaf(dotted: str) -> str:
    return dotted.rpartition(".")[2] + ":"


def _join(dotted: str, inner: str) -> str:
    return f"{dotted}.{inner}" if dotted else inner


def _wanted(problem: ErrorDetails) -> str:
    if problem["type"] in ("model_type", "dict_type"):
        return "a table"
    if problem["type"] == "tuple_type":
        return "a list"
    return problem["msg"].removeprefix("Input should be ")


def _keys(schema: type[BaseModel], prefix: str = "") -> list[str]:
    """Return all dotted keys of a schema, including the keys of tables."""
    keys: list[str] = []
    for name, field in schema.model_fields.items():
        keys.append(prefix + name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            keys += _keys(field.annotation, f"{prefix}{name}.")
    return keys
