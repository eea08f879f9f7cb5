"""A tiny model that nobody trained."""

from __future__ import annotations

from pathlib import Path

import pytest

from pretrain.evaluation.tasks.backbone import Backbone, open_backbone
from tests.pretrain.evaluation.tasks.toy import ENTRIES
from tests.released import release


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    (folder / "vocab.txt").write_text("\n".join(ENTRIES) + "\n", encoding="utf-8")
    release(folder, folder / "vocab.txt", max_positions=64)
    return folder


@pytest.fixture(scope="module")
def model(models: Path) -> Path:
    return models / "x-discriminator"


@pytest.fixture
def backbone(model: Path) -> Backbone:
    return open_backbone(str(model))
