"""Describe the keys of a table by type, meaning and default. The page docs/recipes.md is generated from this."""

from __future__ import annotations

import json
import types
import typing
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from configs.training_tables import ObjectiveTable

_SIGNS = {Ge: "≥", Gt: ">", Le: "≤", Lt: "<"}
# TOML limits every integer by this bound, so we do not show it.
_LARGEST_INTEGER = 2**63
_NAMES = {int: "integer", float: "number", bool: "`true` or `false`", str: "text"}


@dataclass(frozen=True)
class Key:
    name: str
    type: str
    meaning: str
    default: str  # as TOML and JSON write it, or empty for a key that must be stated or that may be left out


def keys(schema: type[BaseModel]) -> list[Key]:
    """Return the keys of a table that hold a value, in the order of the table."""
    return [_key(name, field) for name, field in schema.model_fields.items() if not inner_table(field)]


def inner_tables(schema: type[BaseModel]) -> dict[str, type[BaseModel]]:
    """Return the keys of a table that hold a table themselves, or a list of tables."""
    inner = {name: inner_table(field) for name, field in schema.model_fields.items()}
    return {name: table for name, table in inner.items() if table}


def inner_table(field: FieldInfo) -> type[BaseModel] | None:
    """Return the table that a key holds, alone or in a list. Objectives give None, as their keys are not known here."""
    for part in (field.annotation, *get_args(field.annotation)):
        if isinstance(part, type) and issubclass(part, BaseModel) and part is not ObjectiveTable:
            return part
    return None


def _key(name: str, field: FieldInfo) -> Key:
    default = None if field.is_required() else field.get_default(call_default_factory=True)
    shown = "" if default is None else json.dumps(default)
    return Key(name, _type(field), " ".join((field.description or "").split()), shown)


def _type(field: FieldInfo) -> str:
    """Return the type with its bounds, such as "number ≥ 0, ≤ 1"."""
    limits = [
        (sign, getattr(mark, kind.__name__.lower()))
        for mark in field.metadata
        for kind, sign in _SIGNS.items()
        if isinstance(mark, kind)
    ]
    bounds = ", ".join(f"{sign} {limit:g}" for sign, limit in limits if limit < _LARGEST_INTEGER)
    return f"{_type_name(field.annotation)} {bounds}".strip()


def _type_name(annotation: Any) -> str:
    origin, parts = get_origin(annotation), get_args(annotation)
    if annotation in _NAMES:
        return _NAMES[annotation]
    if origin is Literal:
        return " or ".join(f"`{json.dumps(part)}`" for part in parts)
    if origin is Annotated:
        return _type(FieldInfo.from_annotation(annotation))
    if origin in (types.UnionType, typing.Union):
        return " or ".join(_type_name(part) for part in parts if part is not type(None))
    return "list" if origin is tuple else "table"
