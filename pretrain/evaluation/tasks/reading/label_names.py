"""The names of classes and tags that stand beside the files of a task, for files that number them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from configs.common.errors import UserError

_LISTS = ("labels.txt", "label_list.txt", "classes.txt", "tags.txt")
_TABLES = ("info.json", "dataset_info.json", "dataset_infos.json")


def declared_names(folder: Path, field: str) -> list[str]:
    """Read the names from a list, or from the features of a dataset of Hugging Face. Empty if there are no names.

    Raises UserError for a file that cannot be read.
    """
    for name in _LISTS:
        if (folder / name).is_file():
            return [line.strip() for line in _text(folder / name).splitlines() if line.strip()]
    for name in _TABLES:
        if (folder / name).is_file():
            try:
                table = json.loads(_text(folder / name))
            except (ValueError, RecursionError) as error:
                raise UserError(f"{folder / name}: is not JSON ({error}); correct or remove it") from None
            if names := _stated(table, field):
                return names
    return []


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{file}: cannot be read ({error})") from None


def _stated(table: Any, field: str) -> list[str]:
    """`labels` at the top, or the `names` below the feature of this field."""
    if isinstance(table, dict) and isinstance(labels := table.get("labels"), list):
        return [str(label) for label in labels]
    return next((names for feature in _values_of(table, field) for names in _names_below(feature)), [])


def _values_of(table: Any, key: str) -> Iterator[Any]:
    if isinstance(table, dict):
        if key in table:
            yield table[key]
        for value in table.values():
            yield from _values_of(value, key)


def _names_below(feature: Any) -> Iterator[list[str]]:
    for names in _values_of(feature, "names"):
        # Older files number the names: {"0": "O", "1": "B-PER"}.
        names = [*names.values()] if isinstance(names, dict) else names
        if isinstance(names, list):
            yield [str(name) for name in names]
