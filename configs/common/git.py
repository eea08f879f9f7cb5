"""The git commit of the code that runs."""

from __future__ import annotations

import subprocess
from pathlib import Path

_HERE = Path(__file__).parent


def commit() -> str | None:
    """The commit, with a + when tracked files differ from it; None outside a checkout."""
    described = git("describe", "--always", "--abbrev=40", "--dirty=+", "--exclude=*")
    return described and described.strip()


def git(*arguments: str) -> str | None:
    """The output of a git command in the root of this checkout; None without git, or when the code is installed."""
    try:
        listed = subprocess.run(["git", "ls-files", "--error-unmatch", __file__], cwd=_HERE, capture_output=True)
        if listed.returncode:  # the code is installed below another project's repository
            return None
        root = subprocess.run(["git", "rev-parse", "--show-toplevel"], cwd=_HERE, capture_output=True, text=True)
        done = subprocess.run(["git", *arguments], cwd=root.stdout.strip(), capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.decode(errors="replace")
