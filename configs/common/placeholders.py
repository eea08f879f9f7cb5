"""After a failed download, a file may be only a Git LFS pointer or a web page. This module recognises such files."""

from __future__ import annotations

import re
from pathlib import Path

_HEAD_BYTES = 512
_POINTER = b"version https://git-lfs"
_WEB_PAGE = re.compile(rb"(\xef\xbb\xbf)?\s*<(!doctype\s+html|html[\s>])", re.IGNORECASE)
# (what the file is, remedy)
POINTER = ("a Git LFS pointer in place of the file", "fetch the file with `git lfs pull`")
WEB_PAGE = ("a web page in place of the file", "download the file again, with a login if the server asks for it")


def is_pointer(head: bytes) -> bool:
    return head.startswith(_POINTER)


def is_web_page(head: bytes) -> bool:
    return _WEB_PAGE.match(head) is not None


def placeholder(file: Path) -> str | None:
    """Return what the file is instead and the remedy, as the predicate of a sentence. Return None for other contents.

    Example: `is a Git LFS pointer in place of the file; fetch the file with git lfs pull`.
    """
    with open(file, "rb") as stream:
        head = stream.read(_HEAD_BYTES)
    if is_pointer(head):
        kind, remedy = POINTER
    elif is_web_page(head):
        kind, remedy = WEB_PAGE
    elif not head:
        kind, remedy = "empty", "download or copy the file again"
    else:
        return None
    return f"is {kind}; {remedy}"
