"""Files and folders appear whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from configs.common.errors import Unfinished, UserError
from configs.common.files import (
    clear_leftovers,
    read_json,
    read_lines,
    remove_folder,
    unfinished_when_disk_is_full,
    whole_file,
    whole_folder,
    write_json,
    write_text,
)


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


def test_a_byte_order_mark_is_no_part_of_the_content(tmp_path: Path) -> None:
    (tmp_path / "value.json").write_text('{"a": 1}', encoding="utf-8-sig")
    (tmp_path / "words.txt").write_text("[PAD]\n", encoding="utf-8-sig")
    assert read_json(tmp_path / "value.json") == {"a": 1}
    assert read_lines(tmp_path / "words.txt") == ["[PAD]"]


def test_a_folder_appears_when_the_block_succeeds(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    path.mkdir()  # an empty folder may already exist
    with whole_folder(path) as writing:
        (writing / "below").mkdir()
        (writing / "below" / "file").write_text("text")
        assert list(path.iterdir()) == []
    assert (path / "below" / "file").read_text() == "text"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), whole_folder(tmp_path / "folder") as writing:
        (writing / "file").write_text("half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("whole", [whole_file, whole_folder])
def test_an_error_of_the_machine_names_what_was_being_written(whole: Any, tmp_path: Path) -> None:
    """A write to a full disk raises an error without a name, and an error with a name keeps it."""
    for name, expected in ((None, str(tmp_path / "new")), ("/other", "/other")):
        with pytest.raises(OSError) as raised, whole(tmp_path / "new"):
            raise OSError(errno.ENOSPC, "No space left on device", name)
        assert raised.value.filename == expected


def test_a_full_folder_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    path.mkdir()
    (path / "file").write_text("somebody else's")
    with pytest.raises(OSError), whole_folder(path):
        pass
    assert list(tmp_path.iterdir()) == [path]
    assert (path / "file").read_text() == "somebody else's"


def test_leftovers_of_a_kill_are_cleared_and_nothing_else(tmp_path: Path) -> None:
    for name in (".writing-step-1", ".deleting-step-0", ".writing-other", "step-2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("text")
    clear_leftovers(tmp_path, "step-*")
    assert {path.name for path in tmp_path.iterdir()} == {".writing-other", "step-2"}
    remove_folder(tmp_path / "step-2")
    assert {path.name for path in tmp_path.iterdir()} == {".writing-other"}


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_work_unfinished_and_other_faults_are_not(number: int) -> None:
    with pytest.raises(Unfinished, match="no room for 3 MB"), unfinished_when_disk_is_full(lambda: "no room for 3 MB"):
        raise OSError(number, "full")
    with pytest.raises(PermissionError), unfinished_when_disk_is_full(lambda: "no room"):
        raise PermissionError(errno.EACCES, "not allowed")


def test_the_name_of_a_file_may_be_no_text(tmp_path: Path) -> None:
    """Python makes a surrogate of a byte that is not UTF-8, as in names from old ZIP archives."""
    name = os.fsdecode(b"caf\xe9.txt")
    write_json(tmp_path / "a.json", {"file": name})
    assert read_json(tmp_path / "a.json") == {"file": name}
    write_text(tmp_path / "a.html", f"<p>{name}")
    assert (tmp_path / "a.html").read_text(encoding="utf-8") == "<p>caf\\udce9.txt"
