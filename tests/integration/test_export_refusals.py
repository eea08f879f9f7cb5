"""Each format of `electra export` with each kind of bad input: one sentence, exit code 2, and nothing is left."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from transformers.utils import logging
from typer.testing import CliRunner

from launch.cli import app
from pretrain.export.options import Format
from tests.released import release
from tests.trained import run as run

# As wide as the embeddings of `release`, which BERT needs.
FITS_EVERY_FORMAT = {"layers": 2, "hidden": 16, "heads": 2, "intermediate": 32}
SHAPE_IS_REFUSED_BY = ("bert",)
FORMATS = [format.value for format in Format]


def called(model: Path, out: Path, format: str) -> tuple[int, str]:
    logging.disable_progress_bar()
    answer = CliRunner().invoke(app, ["export", str(model), "--out", str(out), "--format", format])
    return answer.exit_code, answer.stderr


def assert_refused(answer: tuple[int, str], sentence: str) -> None:
    code, stderr = answer
    assert code == 2
    assert stderr.startswith("error: ") and sentence in stderr and stderr.count("\n") == 1, stderr


def without_checkpoints(run: Path, copy: Path) -> None:
    copy.mkdir()
    shutil.copyfile(run / "recipe.toml", copy / "recipe.toml")


def unfinished_checkpoint(run: Path, copy: Path) -> None:
    """A checkpoint that was being written when its process was killed."""
    without_checkpoints(run, copy)
    shutil.copytree(run / "checkpoints" / "step-00000004", copy / "checkpoints" / ".writing-step-00000004")


def damaged_checkpoints(run: Path, copy: Path) -> None:
    shutil.copytree(run, copy)
    for weights in copy.glob("checkpoints/*/weights.safetensors"):
        weights.write_bytes(weights.read_bytes()[:-1])


def another_layout(run: Path, copy: Path) -> None:
    """The folder of another program, with files of other names."""
    (copy / "global_step4").mkdir(parents=True)
    (copy / "global_step4" / "mp_rank_00_model_states.pt").write_bytes(b"")
    (copy / "latest").write_text("global_step4")


def absent(run: Path, copy: Path) -> None:
    pass


MODELS: dict[Callable[[Path, Path], None], str] = {
    without_checkpoints: "holds no checkpoint",
    unfinished_checkpoint: "holds no checkpoint",
    damaged_checkpoints: "nor is any older checkpoint whole",
    another_layout: "",
    absent: "",
}


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("make", MODELS)
def test_models(run: Path, tmp_path: Path, make: Callable[[Path, Path], None], format: str) -> None:
    make(run, tmp_path / "model")
    out = tmp_path / "results" / "out"
    answer = called(tmp_path / "model", out, format)
    assert_refused(answer, MODELS[make])
    assert str(tmp_path / "model") in answer[1]
    assert not out.parent.exists()


@pytest.fixture
def model(corpus_folder: Path, tmp_path: Path) -> Path:
    """A released model that every format can express."""
    vocabulary = corpus_folder / "vocab.txt"
    release(tmp_path / "models", vocabulary, discriminator=FITS_EVERY_FORMAT, generator=FITS_EVERY_FORMAT)
    return tmp_path / "models" / "x-discriminator"


@pytest.mark.parametrize("format", FORMATS)
def test_a_folder_that_is_read_only(model: Path, small_disk: Path, format: str) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert_refused(called(model, small_disk / "out", format), str(small_disk))
    assert not [*small_disk.iterdir()]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("free", [4_000, 60_000], ids=["for a small file", "for a part of the weights"])
def test_a_full_disk(model: Path, small_disk: Path, format: str, free: int) -> None:
    (small_disk / "filler").write_bytes(bytes(2**20 - free))
    answer = called(model, small_disk / "out", format)
    assert_refused(answer, "No space left on device")
    assert str(small_disk) in answer[1]
    assert [path.name for path in small_disk.iterdir()] == ["filler"]


@pytest.mark.parametrize("format", FORMATS)
def test_a_folder_with_something_in_it(model: Path, tmp_path: Path, format: str) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("")
    assert_refused(called(model, tmp_path / "out", format), "exists and is not empty; name a new folder")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]


@pytest.mark.parametrize("format", SHAPE_IS_REFUSED_BY)
def test_a_shape_that_the_format_cannot_express(corpus_folder: Path, tmp_path: Path, format: str) -> None:
    release(tmp_path / "models", corpus_folder / "vocab.txt")
    answer = called(tmp_path / "models" / "x-discriminator", tmp_path / "results" / "out", format)
    assert_refused(answer, f"--format {format}: ")
    assert not [*(tmp_path / "results").iterdir()]


def test_an_unknown_format(run: Path, tmp_path: Path) -> None:
    """The command line itself refuses it, and lists all formats."""
    code, stderr = called(run, tmp_path / "out", "keras")
    assert code == 2
    assert all(format in " ".join(stderr.split()) for format in FORMATS)
    assert not [*tmp_path.iterdir()]
