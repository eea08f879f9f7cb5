"""A repository that was downloaded before is read from the cache, and one that cannot be had is refused by its name."""

from __future__ import annotations

from pathlib import Path

import pytest
from huggingface_hub import constants

from configs.common.errors import UserError
from configs.common.hub import download

COMMIT = "0" * 40


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Use an empty cache in place of the user's, and no network."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return tmp_path


def test_a_repository_in_the_cache(cache: Path) -> None:
    repository = cache / "models--someone--small"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(COMMIT)
    (repository / "snapshots" / COMMIT).mkdir(parents=True)
    (repository / "snapshots" / COMMIT / "config.json").write_text("{}")
    folder = download("someone/small", ("config.json", "model-*.safetensors"))
    assert folder == repository / "snapshots" / COMMIT
    assert (folder / "config.json").read_text() == "{}"


@pytest.mark.parametrize("name", ["someone/other", "no/such/name", ""])
def test_a_repository_that_cannot_be_had(name: str) -> None:
    with pytest.raises(UserError) as error:
        download(name, ("config.json",))
    assert str(error.value).startswith(f"{name}: is no folder here, and cannot be had from the hub (")
    assert "\n" not in str(error.value)
