"""These functions write files and folders so that they appear complete or not at all."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from configs.common.errors import Unfinished, UserError
from configs.common.placeholders import placeholder

# A folder whose name begins with one of these is being written or deleted. It is never read.
WRITING, DELETING = ".writing-", ".deleting-"
# These errors mean that no space is left, or that the quota is used up.
DISK_IS_FULL = (errno.ENOSPC, errno.EDQUOT)


def sync_folder(folder: Path) -> None:
    """Make the folder's entries durable: without it a rename may be lost with the power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """Make the contents of every file below `folder` durable, before the folder is renamed to its final name."""
    for path in folder.rglob("*"):
        if path.is_file():
            with open(path, "rb") as file:
                os.fsync(file.fileno())


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a temporary neighbour of `path` for reading and writing; rename it to `path` when the block succeeds.

    The neighbour's name is always the same, so the next attempt overwrites a file that a killed process has left.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with open(temporary, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        _name(error, path)
        raise


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder beside `path` to write into; rename it to `path` when the block succeeds.

    `path` must not exist, or be an empty folder. The files are durable before the name appears. A killed process
    leaves the other folder, which the next call for the same `path` or `clear_leftovers` removes.
    """
    writing = path.with_name(WRITING + path.name)
    shutil.rmtree(writing, ignore_errors=True)
    writing.mkdir(parents=True)
    try:
        yield writing
        sync_tree(writing)
        writing.replace(path)
        sync_folder(path.parent)
    except BaseException as error:
        shutil.rmtree(writing, ignore_errors=True)
        _name(error, path)
        raise


def _name(error: BaseException, path: Path) -> None:
    """Add the path to an error of the machine that names no file, such as the error of a write to a full disk."""
    if isinstance(error, OSError) and not error.filename:
        error.filename = str(path)


def remove_folder(path: Path) -> None:
    """Delete a folder. It is renamed first, so that a killed process does not leave half of it under its name."""
    doomed = path.with_name(DELETING + path.name)
    shutil.rmtree(doomed, ignore_errors=True)
    path.replace(doomed)
    shutil.rmtree(doomed, ignore_errors=True)


def clear_leftovers(folder: Path, pattern: str = "*") -> None:
    """Delete the remains of killed processes that were writing or deleting folders that match `pattern` in `folder`."""
    for prefix in (WRITING, DELETING):
        for left in folder.glob(prefix + pattern):
            shutil.rmtree(left, ignore_errors=True)


@contextmanager
def unfinished_when_disk_is_full(explain: Callable[[], str]) -> Iterator[None]:
    """Raise Unfinished with the sentence of `explain` when the block finds the disk full."""
    try:
        yield
    except OSError as error:
        if error.errno not in DISK_IS_FULL:
            raise
        raise Unfinished(explain()) from None


def write_text(path: Path, text: str) -> None:
    """Write UTF-8, and for a byte in the name of a file that was no text, such as 0xE9, the escape `\\udce9`.

    JSON reads such an escape as what Python makes of the byte.
    """
    with whole_file(path) as file:
        file.write(text.encode("utf-8", "backslashreplace"))


def write_json(path: Path, value: Any) -> None:
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def read_lines(path: Path) -> list[str]:
    """Return the lines of a text file, such as a vocab.txt. Raises UserError if it is not UTF-8."""
    try:
        lines = path.read_text(encoding="utf-8-sig").removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not UTF-8 text ({error})") from None
    return [line.rstrip("\r") for line in lines]


def read_json(path: Path) -> Any:
    """Return the JSON value in `path`, with or without a byte order mark. Raises UserError if there is none."""
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except (ValueError, RecursionError) as error:  # RecursionError means objects that are nested too deeply.
        if instead := placeholder(path):
            raise UserError(f"{path}: {instead}") from None
        raise UserError(f"{path}: not valid JSON ({error}); it was damaged or edited") from None


def sha256_of(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def make_folder(path: Path) -> None:
    """Create `path` and its parents. Raises UserError if that is not allowed."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{path}: cannot be created ({error.strerror}); name a folder that you can write to") from None
    if not os.access(path, os.W_OK | os.X_OK):
        raise UserError(f"{path}: not writable; name a folder that you can write to")
