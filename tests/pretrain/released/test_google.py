"""Google's and HFL's checkpoints: tensors, shapes, and damage."""

from __future__ import annotations

from pathlib import Path

import pytest

from configs.common.errors import UserError
from pretrain.released.lookup import open_released
from tests.pretrain import google
from tests.released import GOLDEN, assert_weights, golden_copy


def test_a_checkpoint_of_googles() -> None:
    """Its tensors are those that Google's code gave after 5 steps; it is named by its folder or by itself."""
    after = google.PROJECTED.weights("after5")
    for path in ("tf_ckpt_tiny", "tf_ckpt_tiny/model.ckpt-5"):
        released = open_released(str(GOLDEN / path))
        assert released.vocabulary == GOLDEN / "tf_ckpt_tiny"
        for network in released.networks.values():
            assert_weights(network, {name: after[name] for name in network.weights})
    assert set().union(*(network.weights for network in released.networks.values())) == after.keys()
    assert released.networks["discriminator"].tower == {"layers": 2, "hidden": 32, "heads": 4, "intermediate": 128}
    assert released.networks["generator"].tower == {"layers": 2, "hidden": 8, "heads": 1, "intermediate": 32}


@pytest.mark.parametrize("part", ["model.ckpt-5.index", "model.ckpt-5.data-00000-of-00001"])
@pytest.mark.parametrize("damage", ["cut", "missing", "zeros"])
def test_damaged_checkpoints_of_googles_are_refused(tmp_path: Path, part: str, damage: str) -> None:
    folder = golden_copy("tf_ckpt_tiny", tmp_path)
    content = (folder / part).read_bytes()
    match damage:
        case "cut":
            (folder / part).write_bytes(content[:-100])
        case "missing":
            (folder / part).unlink()
        case "zeros":
            (folder / part).write_bytes(bytes(len(content) // 2))
    with pytest.raises(UserError) as error:
        open_released(str(folder))
    assert str(folder) in str(error.value)
