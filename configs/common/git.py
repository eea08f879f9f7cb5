"""This module tells the git commit of the running code."""

from __future__ import annotations

import subprocess
from pathlib import Path

_HERE = Path(__file__).parent


def commit() -> str | None:
    """Return the commit, with a + if tracked files differ from it. Return None outside a checkout."""
    described = git("describe", "--always", "--abbrev=40", "--dirty=+", "--exclude=*")
    return described and described.strip()


def git(*arguments: str) -> str | None:
    """Return the output of a git command in the root of this checkout, or None without git or without a checkout."""
    try:
        listed = subprocess.run(["git", "ls-files", "--error-unmatch", __file__], cwd=_HERE, capture_output=True)
        if listed.returncode:  # The code is installed in a folder of another project's repository.
            return None
        root = subprocess.run(["git", "rev-parse", "--show-toplevel"], cwd=_HERE, capture_output=True, text=True)
        done = subprocess.run(["git", *arguments], cwd=root.stdout.strip(), capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.decode(errors="replace")
