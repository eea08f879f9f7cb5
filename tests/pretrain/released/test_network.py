"""A network: the shape of its tensors, what its config says, and what keeps it from being used."""

from __future__ import annotations

import shutil
from pathlib import Path

from pretrain.released.lookup import open_released
from tests.released import release


def test_a_config_that_disagrees_is_told_and_the_tensors_are_believed(tmp_path: Path) -> None:
    """As that of hfl/chinese-legal-electra-small-generator, which is its discriminator's."""
    release(tmp_path)
    shutil.copyfile(tmp_path / "x-discriminator" / "config.json", tmp_path / "x-generator" / "config.json")
    generator = open_released(str(tmp_path / "x-generator")).networks["generator"]
    assert generator.shape["hidden"] == 8
    assert generator.tower["heads"] == 1  # heads leave no trace, and are 64 wide in every published model
    hidden, intermediate = generator.contradictions()
    assert hidden.endswith("its config says hidden_size = 32, its tensors 8")
    assert intermediate.endswith("its config says intermediate_size = 64, its tensors 16")
