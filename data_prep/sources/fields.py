"""The text in a field of a record, for JSON, parquet and Hugging Face datasets alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from data_prep.sources.faults import Fault

ABSENT, NULL, OTHER_TYPE = "records without the field", "records with null", "records of another type than text"
_SET_FIELD = 'set field of the source, or leave such records out with on_error = "skip"'
# Names of a record's fields in a message.
_MOST_NAMES = 20


def text_at(record: Any, field: str) -> str:
    """The text under `field`, where a dot leads into an object; a list of strings is a text with a line for each.

    Raises Fault, whose sentence lacks its subject, the record.
    """
    if not isinstance(record, Mapping):
        raise Fault(OTHER_TYPE, f"is {_type(record)}, where an object with {field!r} is wanted", _SET_FIELD)
    return _text_of(_value(record, field), field)


def _value(node: Any, field: str) -> Any:
    """The value under a dotted field. A list on the way gives the list of its elements' values."""
    if isinstance(node, list):
        return [_value(element, field) for element in node]
    if not isinstance(node, Mapping):
        raise Fault(OTHER_TYPE, f"has {_type(node)} where an object with {field!r} is wanted", _SET_FIELD)
    if field in node:
        return node[field]
    first, _, rest = field.partition(".")
    if not rest or first not in node:
        raise Fault(ABSENT, f"has no field {field!r} (it has {names(node)})", _SET_FIELD)
    if node[first] is None:
        raise Fault(NULL, f"has null under {first!r}")
    return _value(node[first], rest)


def _text_of(value: Any, field: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value:
        return "\n".join(_text_of(element, field) for element in value)
    if isinstance(value, list):
        return ""
    if isinstance(value, bytes):
        return _utf8(value, field)
    if value is None:
        raise Fault(NULL, f"has null under {field!r}")
    inner = f" (it has {names(value)}; name one as {field}.NAME)" if isinstance(value, Mapping) else ""
    raise Fault(OTHER_TYPE, f"has {_type(value)} under {field!r}, where text is wanted{inner}", _SET_FIELD)


def _utf8(value: bytes, field: str) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise Fault(OTHER_TYPE, f"has bytes under {field!r} that are not UTF-8 text", _SET_FIELD) from None


def names(record: Mapping[str, Any]) -> str:
    """The names of a record's fields, for a message."""
    more = ", and more" if len(record) > _MOST_NAMES else ""
    return ", ".join(list(map(str, record))[:_MOST_NAMES]) + more if record else "no fields"


def _type(value: Any) -> str:
    kinds = {bool: "true or false", int: "a number", float: "a number", str: "a string", list: "a list"}
    if isinstance(value, Mapping):
        return "an object"
    return "null" if value is None else kinds.get(type(value), f"a value of type {type(value).__name__}")
