"""The norms of the parts of a pair: with numbers worked by hand, and the same in every layout."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from configs.load import load
from configs.recipe import Recipe
from data_prep.shards import Corpus
from pretrain.model.pair import ElectraPair
from pretrain.step.engine import Engine
from pretrain.step.gradient_norms import GradientNorms, part_of
from pretrain.step.loader import Loader
from pretrain.step.measures import Measures
from pretrain.step.world import World
from tests.conftest import SMALL

PARTS = {
    *("embeddings", "generator/projection", "generator/layer_1", "discriminator/layer_1", "discriminator/layer_2"),
    *("heads/mlm", "heads/rtd"),
}


def test_every_parameter_is_in_a_part(small_recipe: Recipe) -> None:
    assert {part_of(name) for name, _ in ElectraPair(small_recipe).named_parameters()} == PARTS
    assert part_of("discriminator_embeddings.word") == "discriminator/embeddings"
    assert part_of("generator.layers.11.attention.query.weight") == "generator/layer_12"


def test_a_parameter_of_no_part_is_a_mistake() -> None:
    with pytest.raises(AssertionError, match=r"generator\.pooler\.weight is in no part"):
        part_of("generator.pooler.weight")


def test_squares_by_hand() -> None:
    """The head has the gradients (3, 4) and 12, so its norm is 13. A fragment counts like a gradient."""
    word, dense, bias = (nn.Parameter(torch.zeros(2)) for _ in range(3))
    named = [("embeddings.word", word), ("objectives.rtd.dense", dense), ("objectives.rtd.bias", bias)]
    norms = GradientNorms(named)
    gradients = [(dense, torch.tensor([3.0, 4.0])), (bias, torch.tensor([12.0]))]
    squares = norms.squares(gradients, torch.device("cpu"))
    assert dict(zip(norms.parts, squares.tolist(), strict=True)) == {"embeddings": 0, "heads/rtd": 169}


def measures(corpus: Corpus, world: World, *overrides: str) -> Measures:
    recipe = load("tiny", [*SMALL, *overrides])
    torch.manual_seed(0)
    engine = Engine(ElectraPair(recipe), recipe, world)
    with Loader(corpus, recipe, world) as loader:
        torch.manual_seed(1)
        measured = engine.step(loader.step(0), 1e-3, measure=True)
    assert measured
    return measured


@pytest.mark.parametrize("stage", [0, 1, 2])
def test_the_parts_make_up_the_whole_norm_in_every_stage(corpus: Corpus, world: World, stage: int) -> None:
    measured = measures(corpus, world, f"compute.zero_stage={stage}")
    assert measured.part_norms.keys() == PARTS
    assert all(norm > 0 for norm in measured.part_norms.values())
    assert math.hypot(*measured.part_norms.values()) == pytest.approx(measured.gradient_norm, rel=1e-5)
    assert measured.part_norms == pytest.approx(measures(corpus, world).part_norms, rel=1e-5)


def test_a_part_without_a_gradient_has_the_norm_0(corpus: Corpus, world: World) -> None:
    parts = measures(corpus, world, "objectives={mlm={weight=1.0}}").part_norms
    assert {part for part, norm in parts.items() if not norm} == {"discriminator/layer_1", "discriminator/layer_2"}


def test_offloaded_gradients_have_no_norms_of_parts(corpus: Corpus, world: World) -> None:
    """DeepSpeed keeps them elsewhere. The step itself is the same."""
    offload = ("compute.zero_stage=1", "deepspeed.zero_optimization.offload_optimizer.device=cpu")
    offloaded = measures(corpus, world, *offload, "deepspeed.zero_force_ds_cpu_optimizer=false")
    plain = measures(corpus, world, "compute.zero_stage=1")
    assert plain.part_norms and not offloaded.part_norms
    assert offloaded.losses == pytest.approx(plain.losses, rel=1e-5)
    assert offloaded.gradient_norm == pytest.approx(plain.gradient_norm, rel=1e-5)
