"""Call `electra export` as a user does: check its output, and one sentence with exit code 2 for what it cannot do."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from launch.cli import app
from tests.trained import run as run


def called(*arguments: object) -> tuple[int, str, str]:
    answer = CliRunner().invoke(app, ["export", *map(str, arguments)])
    return answer.exit_code, answer.stdout, answer.stderr


def test_it_prints_every_folder_with_its_proof(run: Path, tmp_path: Path) -> None:
    code, stdout, _ = called(run, "--out", tmp_path / "out", "--checkpoint", "best", "--metric", "auc")
    assert code == 0
    first, second = stdout.splitlines()
    assert first.startswith(f"{tmp_path / 'out' / 'discriminator'}: discriminator, logits by transformers")
    assert "examples of the corpus' held-out rows: largest difference" in first
    assert second.startswith(f"{tmp_path / 'out' / 'generator'}: generator, logits")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--checkpoint", "best"), "--metric: missing; there are "),
        (("--checkpoint", "5"), "--checkpoint 5:"),
        (("--average", "9"), "--average 9:"),
        (("--layers", "2"), "--layers 2:"),
    ],
)
def test_a_refusal_is_one_sentence_and_leaves_nothing(
    run: Path, tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    code, _, stderr = called(run, "--out", tmp_path / "out", *arguments)
    assert code == 2
    assert stderr.startswith("error: ") and sentence in stderr and stderr.count("\n") == 1
    assert not [*tmp_path.iterdir()]


def test_a_folder_that_cannot_be_made(run: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, _, stderr = called(run, "--out", tmp_path / "file" / "out")
    assert code == 2
    assert stderr.startswith(f"error: {tmp_path / 'file'}: cannot be created") and stderr.count("\n") == 1


def test_a_full_disk(run: Path, small_disk: Path) -> None:
    """On a full disk, the exported folder does not appear, and its unfinished files are removed."""
    (small_disk / "filler").write_bytes(bytes(900_000))
    code, _, stderr = called(run, "--out", small_disk / "out")
    assert code == 2
    assert "No space left on device" in stderr and stderr.count("\n") == 1
    assert [path.name for path in small_disk.iterdir()] == ["filler"]
