"""A submission keeps which code it was made with: the commit and the changes since, or the installed version."""

from __future__ import annotations

from importlib import metadata
from typing import Any

from configs.common.git import commit, git

DIFF = "code.diff"


def code_of() -> tuple[dict[str, Any], str]:
    """Return ({version, commit, untracked files}, `git diff HEAD`). Outside a checkout the commit is None."""
    hash = commit()
    code: dict[str, Any] = {"version": metadata.version("electra-pretraining"), "commit": hash and hash.rstrip("+")}
    if hash is None:
        return code, ""
    # We list untracked files because the diff omits them, and a user's own recipe or objective is usually among them.
    code["untracked"] = (git("ls-files", "--others", "--exclude-standard") or "").splitlines()
    return code, git("diff", "HEAD") or ""
