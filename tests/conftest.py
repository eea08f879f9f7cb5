"""Provide real text that every machine has, and one small corpus that many tests read."""

from __future__ import annotations

import os

os.environ["CUDA_VISIBLE_DEVICES"] = ""  # the tests cover the CPU; the benchmarks cover GPUs
# Matrices as small as those of the tests are no faster on several threads, and the processes of one test would compete
# for the cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from pydoc_data import topics

import pytest
from hypothesis import settings

from configs.load import load
from configs.recipe import Recipe
from data_prep.prepare import prepare
from data_prep.shards import Corpus
from pretrain.step.world import World, join, leave
from tests.slurm import slurm as slurm

# A shell that starts the tests in the background makes them, and the processes that they start, ignore Ctrl-C. This
# restores Python's own handler.
signal.signal(signal.SIGINT, signal.default_int_handler)

# No example has a deadline, since a test that is slow on a busy machine has not failed. Every machine tries the same
# examples.
settings.register_profile("unhurried", deadline=None, derandomize=True)
settings.load_profile("unhurried")

# With these settings a step takes milliseconds and still uses every part of the real training.
SMALL = (
    "data.row_length=64",
    "data.validation_share=0.1",
    "vocabulary.size=1200",
    "masking.maskings=2",
    "model.embedding=32",
    "model.generator={layers=1, hidden=16, heads=1, intermediate=32}",
    "model.discriminator={layers=2, hidden=32, heads=2, intermediate=64}",
    # With larger weights rounding grows faster, and layouts are compared with each other.
    "model.initializer_range=0.02",
    "schedule.steps=12",
    "schedule.warmup_steps=3",
    "batch.rows=8",
    "batch.micro_rows=8",
    "run.log_every=1",
    "run.evaluate_every=6",
    "run.evaluate_rows=16",
    "run.save_every=4",
)


def documents(count: int = 40) -> list[str]:
    """Return pages of Python's language reference, with one paragraph per line."""
    pages = list(topics.topics.values())[:count]
    return ["\n".join(" ".join(block.split()) for block in page.split("\n\n") if block.strip()) for page in pages]


@pytest.fixture(autouse=True)
def environment() -> Iterator[None]:
    """Give back the environment as the test found it, because the jobs and commands of later tests inherit it.

    DeepSpeed's import, for one, needs a LOCAL_RANK.
    """
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def text_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("text") / "topics.txt"
    path.write_text("\n\n".join(documents()) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def small_recipe(text_file: Path) -> Recipe:
    return load("tiny", [*SMALL, f"data.sources={text_file}"])


@pytest.fixture(scope="session")
def corpus_folder(small_recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpora") / "small"
    prepare(small_recipe, folder, workers=1)
    return folder


@pytest.fixture
def corpus(corpus_folder: Path) -> Corpus:
    return Corpus(corpus_folder)


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    """Return the world of this process alone.

    The tests share one world, because DeepSpeed keeps its first process group until the process ends.
    """
    yield join()
    leave()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, text=True
    )
    if mount.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mount.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
