"""A folder that holds a user's work is told from one in which a run has only started."""

from __future__ import annotations

from pathlib import Path

import pytest

from configs.folders import holds_other_things


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], False),
        ([".lock", ".writing-recipe.toml"], False),
        (["submit", ".lock"], False),
        (["thesis.tex"], True),
        ([".lock", "checkpoints"], True),
        (["submit.txt"], True),
        (["文本"], True),
    ],
)
def test_hidden_files_and_submissions_are_no_other_things(tmp_path: Path, names: list[str], expected: bool) -> None:
    for name in names:
        (tmp_path / name).mkdir()
    assert holds_other_things(tmp_path) is expected


def test_what_is_no_folder_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert not holds_other_things(tmp_path / "file")
    assert not holds_other_things(tmp_path / "nowhere")
