"""The shapes that are expected of a network are those of our own."""

from __future__ import annotations

import pytest
import torch

from configs.load import load
from pretrain.model.pair import ElectraPair
from pretrain.released.shapes import TOWER_NAMES, TowerName, encoder_shapes, head_shapes, shape_of


@pytest.mark.parametrize("recipe", ["tiny", "base"])
@pytest.mark.parametrize("tower", TOWER_NAMES)
def test_they_are_the_shapes_of_a_pair(recipe: str, tower: TowerName) -> None:
    with torch.device("meta"):
        weights = ElectraPair(load(recipe)).tower(tower)
    shape = shape_of(weights, tower)
    expected = encoder_shapes(shape, tower) | head_shapes(shape, tower)
    head = "objectives.rtd." if tower == "discriminator" else "objectives.mlm."
    tower_shapes = {name: tuple(t.shape) for name, t in weights.items() if not name.startswith("objectives.")}
    tower_shapes |= {name: tuple(t.shape) for name, t in weights.items() if name.startswith(head)}
    assert tower_shapes == expected


def test_a_missing_matrix_is_named() -> None:
    with pytest.raises(KeyError, match=r"embeddings\.word\.weight"):
        shape_of({}, "generator")
