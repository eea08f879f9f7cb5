"""From a recipe's name and overrides to a checked Recipe, or to one sentence that says what is wrong."""

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

# What tomllib raises: for bytes and for syntax, for numbers too long to convert, and for tables in tables without end.
_NOT_TOML = (ValueError, RecursionError)
_SHAPE_MISSING = ("missing", ("model",))
RECIPES = Path(__file__).parent / "recipes"


def shipped() -> list[str]:
    """Names of the recipes that come with the product."""
    return sorted(path.stem for path in RECIPES.glob("*.toml"))


def load(recipe: str, overrides: Iterable[str] = ()) -> Recipe:
    """Read a shipped recipe by name, or a TOML file by path, and apply `table.key=value` overrides.

    Raises UserError, with the dotted key and the value, for anything that is not a valid recipe.
    """
    return from_tables(read(recipe, overrides), recipe)


def read(recipe: str, overrides: Iterable[str] = (), known: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The tables of a recipe, not yet checked; what is `known` from elsewhere stands over it, overrides over all."""
    tables: dict[str, Any] = {}
    for _, stated in chain(recipe):
        _lay_over(tables, stated)
    _lay_over(tables, known or {})
    for override in overrides:
        _override(tables, override)
    return tables


def read_stated(recipe: str, overrides: Iterable[str] = ()) -> dict[str, Any]:
    """The tables that the user wrote: overrides, and keys of TOML files that are not shipped with the product."""
    stated: dict[str, Any] = {}
    for path, tables in chain(recipe):
        if path.resolve().parent != RECIPES.resolve():
            stated = _lay_over(stated, tables)
    for override in overrides:
        _override(stated, override)
    return stated


def chain(recipe: str) -> list[tuple[Path, dict[str, Any]]]:
    """(file, its own tables) of a recipe and of those that it extends, the one that extends no other first."""
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
    """The tables of a TOML file, with or without a byte order mark; raises UserError when it cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, *_NOT_TOML) as error:
        raise UserError(f"{path}: not a TOML file ({error})") from None


def assignments(overrides: Iterable[str]) -> dict[str, Any]:
    """Tables that hold nothing but `key=value` overrides, for settings that are no recipe's."""
    tables: dict[str, Any] = {}
    for override in overrides:
        _override(tables, override)
    return tables


def for_corpus(tables: Mapping[str, Any], origin: str) -> CorpusRecipe:
    """What preparation needs of a recipe. All of it is checked, but a model's shape may still be missing.

    A recipe that goes on from a released model has it from there.
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
    """A Recipe from plain dictionaries; `origin` opens the sentence of an error."""
    return validate(Recipe, tables, origin)


def validate(schema: type[Schema], tables: Mapping[str, Any], origin: str, prefix: str = "") -> Schema:
    """`tables` as a `schema`; raises UserError with the first wrong key, under `prefix`."""
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
    """Path.is_file, which raises OSError for a name that is longer than a name can be."""
    return os.path.isfile(path)  # noqa: PTH113  pathlib's raises


def _lay_over(base: dict[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    for key, value in top.items():
        both = isinstance(value, dict) and isinstance(base.get(key), dict)
        base[key] = _lay_over(base[key], value) if both else value
    return base


def _override(tables: dict[str, Any], override: str) -> None:
    """Apply one `table.key=value`; the value is TOML (`0.1`, `true`, `["a", "b"]`) and else a string."""
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
    """The first problem as `dotted.key: what is wrong`. Unknown keys come first: they explain the rest."""
    problems = sorted(errors, key=lambda problem: problem["type"] != "extra_forbidden")
    problem = problems[0]
    dotted = (prefix + _dotted(problem)).rstrip(".")  # a table itself has no name behind the prefix
    match problem["type"]:
        case "extra_forbidden":
            return unknown("key", dotted, [prefix + key for key in _keys(schema)])
        case "missing":
            states_all = "; a recipe states every number (extend a shipped one to take its numbers over)"
            return f"{dotted}: missing{states_all if schema is Recipe else ''}"
        case "value_error":
            inner = str(problem.get("ctx", {})["error"])
            return f"{dotted.rpartition('.')[0]}.{inner}" if inner.startswith(_leaf(dotted)) else _join(dotted, inner)
        case _:
            # A key that may be one of several types has one problem for each.
            wanted = [_wanted(other) for other in problems if prefix + _dotted(other) == dotted]
            return f"{dotted}: {problem['input']!r} is not {' or '.join(wanted)}"


def _dotted(problem: ErrorDetails) -> str:
    """The key of a problem as a user writes it, without the branch of a union that pydantic names behind it."""
    branches = ("constrained-", "literal[", "function-")
    return ".".join(str(part) for part in problem["loc"] if not (isinstance(part, str) and part.startswith(branches)))


def _leaf(dotted: str) -> str:
    return dotted.rpartition(".")[2] + ":"


def _join(dotted: str, inner: str) -> str:
    return f"{dotted}.{inner}" if dotted else inner


def _wanted(problem: ErrorDetails) -> str:
    if problem["type"] in ("model_type", "dict_type"):
        return "a table"
    return problem["msg"].removeprefix("Input should be ")


def _keys(schema: type[BaseModel], prefix: str = "") -> list[str]:
    """All dotted keys of a schema, tables included."""
    keys: list[str] = []
    for name, field in schema.model_fields.items():
        keys.append(prefix + name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            keys += _keys(field.annotation, f"{prefix}{name}.")
    return keys
