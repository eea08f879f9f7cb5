"""Find the git commit of the running code."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from configs.common import git


def run(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def commit_seen_in(folder: Path) -> str:
    """Return the commit that a process reports when its code lies in this folder."""
    code = "from configs.common.git import commit; print(commit())"
    return subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Make a repository that holds only the file under test."""
    package = tmp_path / "configs" / "common"
    package.mkdir(parents=True)
    for folder in (package.parent, package):
        (folder / "__init__.py").write_text("")
    shutil.copyfile(git.__file__, package / "git.py")
    run(tmp_path, "init", "--quiet")
    run(tmp_path, "add", ".")
    run(tmp_path, "commit", "--quiet", "--message=first")
    return tmp_path


def test_the_commit_has_a_plus_when_a_tracked_file_is_changed(checkout: Path) -> None:
    head = run(checkout, "rev-parse", "HEAD")
    (checkout / "note.txt").write_text("git does not know this file")
    assert commit_seen_in(checkout) == head
    (checkout / "configs" / "__init__.py").write_text("CHANGED = True\n")
    assert commit_seen_in(checkout) == head + "+"


def test_code_installed_below_another_repository_has_no_commit(checkout: Path) -> None:
    run(checkout, "rm", "--quiet", "-r", "--cached", "configs")
    assert commit_seen_in(checkout) == "None"
