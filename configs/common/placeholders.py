"""After a failed download, a file may be only a Git LFS pointer or a web page. This module recognises such files."""

from __future__ import annotations

import re
from pathlib import Path

_HEAD_BYTES = 512
_POINTER = b"version https://git-lfs"
_WEB_PAGE = re.compile(rb"(\xef\xbb\xbf)?\s*<(!doctype\s+html|html[\s>])", re.IGNORECASE)


def placeholder(file: Path) -> str | None:
    """Return what the file is instead and the remedy, as the predicate of a sentence. Return None for other contents.

    Example: `is a Git LFS pointer in place of the file; fetch the file with git lfs pull`.
    """
    with open(file, "rb") as stream:
        head = stream.read(_HEAD_BYTES)
    if head.startswith(_POINTER):
        return "is a Git LFS pointer in place of the file; fetch the file with `git lfs pull`"
    if _WEB_PAGE.match(head):
        return "is a web page in place of the file, such as a server's login page; download the file again"
    if not head:
        return "is empty; download or copy the file again"
    return None
