"""A submission knows the commit and the changes of the code that made it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from launch.snapshot import code_of


def test_the_code_is_known() -> None:
    code, diff = code_of()
    checkout = Path(__file__).parent.parent.parent / ".git"
    if not checkout.exists():
        pytest.skip("this is no checkout")
    assert len(code["commit"]) == 40
    changed = subprocess.run(["git", "diff", "HEAD"], capture_output=True, text=True, cwd=checkout.parent).stdout
    assert diff == changed
    assert json.dumps(code)
