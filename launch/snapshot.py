"""Which code a submission was made with: the commit and what differs from it, or the version that is installed."""

from __future__ import annotations

import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

DIFF = "code.diff"
_HERE = Path(__file__).parent


def code_of() -> tuple[dict[str, Any], str]:
    """({version, commit, files that git does not know}, `git diff HEAD`). Outside a checkout the commit is None."""
    code: dict[str, Any] = {"version": metadata.version("electra-pretraining"), "commit": _git("rev-parse", "HEAD")}
    if code["commit"] is None:
        return code, ""
    code["commit"] = code["commit"].strip()
    # A diff does not show them, and a recipe or an objective of one's own is usually one of them.
    code["untracked"] = (_git("ls-files", "--others", "--exclude-standard") or "").splitlines()
    return code, _git("diff", "HEAD") or ""


def _git(*arguments: str) -> str | None:
    """What git says of the repository that this file is in; None without git, or where it is in none."""
    try:
        known = subprocess.run(["git", "ls-files", "--error-unmatch", __file__], cwd=_HERE, capture_output=True)
        if known.returncode:  # installed below a repository that is another's
            return None
        root = subprocess.run(["git", "rev-parse", "--show-toplevel"], cwd=_HERE, capture_output=True, text=True)
        done = subprocess.run(["git", *arguments], cwd=root.stdout.strip(), capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.decode(errors="replace")
