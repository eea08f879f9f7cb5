"""A file appears whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from configs.common.errors import UserError
from configs.common.files import read_json, whole_file, write_json


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "value.json"
    write_json(path, {"a": 1})
    with pytest.raises(RuntimeError), whole_file(path) as file:
        file.write(b"half")
        raise RuntimeError
    assert read_json(path) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_damaged_json_is_named(tmp_path: Path) -> None:
    path = tmp_path / "value.json"
    path.write_text('{"a": ')
    with pytest.raises(UserError, match=r"value.json: not valid JSON"):
        read_json(path)
    with pytest.raises(UserError, match=r"no such file"):
        read_json(tmp_path / "other.json")
