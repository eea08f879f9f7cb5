"""The work and memory of Muon: worked by hand, against the parameters of the pair, and against torch's count."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from configs.load import load
from pretrain.model.pair import ElectraPair
from pretrain.step.muon import orthogonal
from pretrain.step.muon_costs import POLYNOMIALS, iteration_flops, num_weights, update_bytes, update_flops
from pretrain.step.parameter_groups import matrices_of

MUON = ("optimizer.matrices=muon", "optimizer.momentum=0.95")
FROZEN = (
    *("model.shared_embeddings=none", "model.generator_embedding=64"),
    "initial={generator='keep', generator_width=1.0, generator_steps=0, layer_decay=1.0, generator_frozen=true}",
)


def test_the_flops_of_an_iteration_by_hand() -> None:
    """Of [2, 3]: X X' takes 2*2*3*2 = 24, the square of [2, 2] takes 2*2*2*2 = 16, the last product 2*2*2*3 = 24."""
    assert iteration_flops(2, 3) == iteration_flops(3, 2) == 24 + 16 + 24


@pytest.mark.parametrize(("way", "iterations"), [("newton_schulz", 5), ("polar_express", 3)])
@pytest.mark.parametrize("shape", [(32, 32), (32, 128), (128, 32)])
def test_the_flops_of_a_matrix_are_those_that_torch_counts(shape: tuple[int, int], way: str, iterations: int) -> None:
    with FlopCounterMode(display=False) as counter:
        orthogonal(torch.randn(1, *shape), POLYNOMIALS[way])
    assert counter.get_total_flops() == iterations * iteration_flops(*shape)


@pytest.mark.parametrize("overrides", [(), FROZEN], ids=["trained", "frozen"])
@pytest.mark.parametrize("name", ["tiny", "small"])
def test_the_weights_are_those_of_the_layers_that_are_trained(name: str, overrides: tuple[str, ...]) -> None:
    recipe = load(name, [*MUON, *overrides])
    with torch.device("meta"):
        parameters = list(ElectraPair(recipe).named_parameters())
    matrices = [weight for name, weight in parameters if matrices_of(name) and weight.requires_grad]
    assert num_weights(recipe) == sum(weight.numel() for weight in matrices) > 0


def test_a_recipe_without_muon_costs_nothing() -> None:
    small = load("small")
    assert (num_weights(small), update_flops(small), update_bytes(small, 2)) == (0, 0, 0)


def test_small_by_hand() -> None:
    """Twelve layers of 256 and twelve of 64. Per layer, four squares and two matrices that are four times as wide."""
    small = load("small", MUON)
    assert num_weights(small) == 12 * 12 * (256**2 + 64**2)
    assert update_flops(small) == 12 * 5 * (4 * 6 + 2 * (16 + 2)) * (256**3 + 64**3)
    assert (
        update_flops(load("small", (*MUON, "optimizer.orthogonalization=polar_express"))) == update_flops(small) * 3 / 5
    )
    # Of query, key and value: 36 squares with two fp32 copies. Of the other matrices, 12 are four squares wide. They
    # need one copy in bf16 with two in fp32, which are 2 + 4 + 4 bytes, and in fp32 as many or three and a square.
    assert update_bytes(small, 2) == 10 * 12 * 4 * 256**2
    assert update_bytes(small, 4) == max(36 * 4 * (3 + 1), 12 * 4 * (3 * 4 + 1)) * 256**2
    # Exchanged in bf16: 12 * (1 + 4 + 4) squares of each width.
    assert update_bytes(small, 2, 2) == 10 * 12 * 4 * 256**2 + 2 * 12 * 9 * (256**2 + 64**2)
