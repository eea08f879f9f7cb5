"""Two models for proofreading: a trained run of English text, and a released Chinese pair with random weights."""

from __future__ import annotations

from pathlib import Path

import pytest

from configs.vocabulary.entries import SPECIAL_TOKENS
from pretrain.proofread.model import Proofreader, open_proofreader
from tests.released import release
from tests.trained import run as run

LETTERS = "abcdefghijklmnopqrstuvwxyz"
CHINESE = "今天气很好我们去公园散步吃苹果。，"


@pytest.fixture(scope="session")
def reader(run: Path) -> Proofreader:
    return open_proofreader(str(run))


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a discriminator and a generator with 40 positions."""
    folder = tmp_path_factory.mktemp("released")
    entries = [*SPECIAL_TOKENS.values(), *CHINESE, *LETTERS, *(f"##{letter}" for letter in LETTERS), "the", ".", "<"]
    (folder / "vocab.txt").write_text("".join(f"{entry}\n" for entry in entries), encoding="utf-8")
    release(folder, folder / "vocab.txt")
    return folder


@pytest.fixture(scope="session")
def chinese(released: Path) -> Proofreader:
    return open_proofreader(str(released / "x-discriminator"))
