"""The config of a network is the one that transformers wrote for it, and builds a model of the same size."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import transformers

from configs.recipe import Recipe
from pretrain.export.config import ARCHITECTURES, config_of, config_of_recipe
from pretrain.model.pair import ElectraPair
from pretrain.released.lookup import open_released
from pretrain.released.shapes import TOWER_NAMES, TowerName
from tests.released import release


@pytest.mark.parametrize("part", TOWER_NAMES)
def test_a_released_model_keeps_the_config_that_transformers_wrote(part: TowerName, tmp_path: Path) -> None:
    release(tmp_path)
    written = json.loads((tmp_path / f"x-{part}" / "config.json").read_text())
    config = config_of(open_released(str(tmp_path / f"x-{part}")).networks[part], written["pad_token_id"])
    shared = config.keys() & written.keys()
    assert {key: config[key] for key in shared} == {key: written[key] for key in shared}
    assert config.keys() - shared <= {"tie_word_embeddings", "dtype"}


def test_what_no_tensor_shows_comes_from_the_config_or_else_from_transformers(tmp_path: Path) -> None:
    release(tmp_path)
    network = open_released(str(tmp_path / "x-discriminator")).networks["discriminator"]
    default = transformers.ElectraConfig()
    dropouts = ("hidden_dropout_prob", "attention_probs_dropout_prob")
    bare = config_of(replace(network, config={}), 7)
    for key in (*dropouts, "initializer_range", "layer_norm_eps", "hidden_act"):
        assert bare[key] == getattr(default, key), key
    assert config_of(replace(network, config={dropouts[0]: 0.25}), 7) == bare | {dropouts[0]: 0.25}
    assert bare["pad_token_id"] == 7
    encoder = {name: tensor for name, tensor in network.weights.items() if not name.startswith("objectives.")}
    assert config_of(replace(network, weights=encoder), 0)["architectures"] == ["ElectraModel"]


@pytest.mark.parametrize("part", TOWER_NAMES)
def test_the_config_of_a_recipe_builds_a_model_of_as_many_weights(part: TowerName, small_recipe: Recipe) -> None:
    config = config_of_recipe(small_recipe, part, 0)
    [name] = config["architectures"]
    assert name == ARCHITECTURES[part]
    model = getattr(transformers, name)(transformers.ElectraConfig(**config))
    # A tower carries the heads of both objectives, and an exported network only its own.
    own = ("embeddings.", f"{part}.", "objectives.mlm." if part == "generator" else "objectives.rtd.")
    weights = ElectraPair(small_recipe).tower(part).items()
    assert model.num_parameters() == sum(tensor.numel() for name, tensor in weights if name.startswith(own))
    tower = getattr(small_recipe.model, part)
    assert (config["num_attention_heads"], config["hidden_size"]) == (tower.heads, tower.hidden)
    assert config["hidden_dropout_prob"] == small_recipe.model.dropout
