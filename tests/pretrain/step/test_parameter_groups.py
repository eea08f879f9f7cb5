"""The groups of the optimizer: decay by kind of parameter, rates by depth, and the time when the generator is alone."""

from __future__ import annotations

import pytest
from torch import nn

from configs.recipe import Recipe
from configs.training_tables import InitialTable
from pretrain.model.pair import ElectraPair
from pretrain.step.parameter_groups import (
    FINE_TUNED_NAMES,
    PAIR_NAMES,
    layer_scale,
    matrices_of,
    pair_groups,
    parameter_groups,
)

INITIAL = InitialTable(generator="build", generator_width=0.25, generator_steps=0, layer_decay=0.5)


def test_biases_and_norms_are_not_decayed_and_tables_are() -> None:
    module = nn.ModuleDict({"table": nn.Embedding(3, 2), "norm": nn.LayerNorm(2), "linear": nn.Linear(2, 2)})
    decayed, spared = parameter_groups(module, 0.01)
    assert {id(p) for p in decayed["params"]} == {id(module["table"].weight), id(module["linear"].weight)}
    assert len(spared["params"]) == 3
    assert (decayed["weight_decay"], spared["weight_decay"]) == (0.01, 0.0)


@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("discriminator.layers.3.attention.qkv.weight", 1.0),
        ("discriminator.layers.0.output.bias", 0.5**3),
        ("discriminator.projection.weight", 0.5**4),
        ("embeddings.word.weight", 0.5**4),
        ("discriminator_embeddings.position.weight", 0.5**4),
        ("generator.layers.0.output.bias", 1.0),
        ("objectives.rtd.dense.weight", 1.0),
    ],
)
def test_a_layer_has_half_the_rate_of_the_layer_above(name: str, share: float) -> None:
    assert layer_scale(PAIR_NAMES, 4, 0.5)(name) == share


def test_the_names_of_a_fine_tuned_model_and_an_exponent_at_the_top() -> None:
    scale = layer_scale(FINE_TUNED_NAMES, 12, 0.8, top_exponent=2)
    assert scale("electra.discriminator.layers.11.output.weight") == 0.8**2
    assert scale("electra.embeddings.word.weight") == 0.8**14
    assert scale("classifier.out_proj.weight") == 1.0


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("discriminator.layers.11.attention.qkv.weight", 3),
        ("generator.layers.0.attention.output.weight", 1),
        ("generator.layers.0.intermediate.weight", 1),
        ("discriminator.layers.0.output.weight", 1),
        ("discriminator.layers.0.output.bias", 0),
        ("discriminator.layers.0.output_norm.weight", 0),
        ("discriminator.projection.weight", 0),
        ("embeddings.word.weight", 0),
        ("objectives.rtd.dense.weight", 0),
    ],
)
def test_muon_updates_the_matrices_of_layers_alone(name: str, number: int) -> None:
    assert matrices_of(name) == number


def test_muon_has_groups_of_its_own_with_the_same_rates(small_recipe: Recipe) -> None:
    pair = ElectraPair(small_recipe)
    names = {id(parameter): name for name, parameter in pair.named_parameters()}
    adam = small_recipe.optimizer
    muon = adam.model_copy(update={"matrices": "muon", "momentum": 0.95})
    rates = [
        {names[id(p)]: (group["weight_decay"], group["scale"]) for group in groups for p in group["params"]}
        for groups in (pair_groups(pair, optimizer, INITIAL) for optimizer in (adam, muon))
    ]
    assert rates[0] == rates[1]
    groups = pair_groups(pair, muon, INITIAL)
    faster = pair_groups(pair, muon.model_copy(update={"matrix_rate": 3.0}), INITIAL)
    for group, fast in zip(groups, faster, strict=True):
        assert fast["scale"] == group["scale"] * (3 if group["matrices"] else 1)
        assert {matrices_of(names[id(p)]) for p in group["params"]} == {group["matrices"]}
    assert {group["matrices"] for group in groups} == {0, 1, 3}
    assert {group["matrices"] for group in pair_groups(pair, adam, INITIAL)} == {0}


@pytest.mark.parametrize("generator_steps", [0, 5])
def test_only_the_generator_learns_while_it_is_alone(small_recipe: Recipe, generator_steps: int) -> None:
    pair = ElectraPair(small_recipe)
    names = {id(parameter): name for name, parameter in pair.named_parameters()}
    groups = pair_groups(pair, small_recipe.optimizer, INITIAL.model_copy(update={"generator_steps": generator_steps}))
    waiting = {names[id(parameter)] for group in groups if group["waits"] for parameter in group["params"]}
    expected = {name for name in names.values() if not name.startswith(("generator.", "objectives.mlm."))}
    assert waiting == (expected if generator_steps else set())
    assert sum(len(group["params"]) for group in groups) == len(names)
