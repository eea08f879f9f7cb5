"""The ElectraConfig of transformers for one network. Every format stores it, or a form of it, beside the weights."""

from __future__ import annotations

from typing import Any

import torch

from configs.recipe import Recipe
from pretrain.model.pair import ElectraPair
from pretrain.released.network import Network, TowerName

ARCHITECTURES = {"discriminator": "ElectraForPreTraining", "generator": "ElectraForMaskedLM"}
# The class for a network without a head, such as a discriminator that was cut after a layer.
ENCODER = "ElectraModel"
# Entries that the tensors do not show, with transformers' defaults for a released model whose config lacks them.
_UNTOLD = {"hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1, "initializer_range": 0.02}


def architecture(network: Network) -> str:
    """Return the name of the transformers class that has the encoder, and the head if the network has one."""
    return ARCHITECTURES[network.part] if network.has_head else ENCODER


def stated(recipe: Recipe, part: TowerName) -> dict[str, Any]:
    """Return the entries of the config that come from the recipe of a run and not from its tensors."""
    model = recipe.model
    tower = getattr(model, part)
    return {
        "hidden_size": tower.hidden,
        "num_attention_heads": tower.heads,
        "layer_norm_eps": model.layer_norm_epsilon,
        "hidden_dropout_prob": model.dropout,
        "attention_probs_dropout_prob": model.attention_dropout,
        "initializer_range": model.initializer_range,
    }


def config_of_recipe(recipe: Recipe, part: TowerName, pad_id: int) -> dict[str, Any]:
    """Make the config of a network that this recipe would train."""
    with torch.device("meta"):
        weights = ElectraPair(recipe).tower(part)
    return config_of(Network(part, weights, stated(recipe, part), recipe.name), pad_id)


def config_of(network: Network, pad_id: int) -> dict[str, Any]:
    """Make the config of a network.

    The shape comes from the tensors. The other entries come from the model's own config, or are transformers' defaults.
    """
    return {
        "architectures": [architecture(network)],
        "model_type": "electra",
        **network.electra_config,
        **{key: network.config.get(key, default) for key, default in _UNTOLD.items()},
        "pad_token_id": pad_id,
        "tie_word_embeddings": True,
        "dtype": "float32",
    }
