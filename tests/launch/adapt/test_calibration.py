"""The FLOPs of full rows by hand, the random rows, and a rate that the elapsed time bounds from below."""

from __future__ import annotations

import math
import time

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from configs.recipe import Recipe
from launch.adapt.calibration import _random_rows, flops_of_rows, flops_of_training, flops_per_second
from pretrain.step.flops import model_flops, work_of


def test_the_flops_of_full_rows_by_hand(small_recipe: Recipe) -> None:
    """64 tokens and 9 slots; a tower has 4 D^2 + 2 D I products a token and layer, and 4 D for each pair of tokens."""
    discriminator = 2 * 2 * (4 * 32**2 + 2 * 32 * 64) + 2 * (32**2 + 32)
    generator = 2 * 32 * 16 + 2 * (4 * 16**2 + 2 * 16 * 32)
    slot = 2 * (16 * 32 + 32 * 1200)
    forward = 64 * (discriminator + generator) + 64**2 * (2 * 4 * 32 + 4 * 16) + 9 * slot
    assert flops_of_rows(small_recipe, 1) == 3 * forward == 13_713_408
    assert flops_of_rows(small_recipe, 2.5) == 2.5 * 3 * forward
    assert flops_of_rows(small_recipe, 0) == 0


def test_the_flops_of_training_by_hand(small_recipe: Recipe) -> None:
    """12 steps of 8 rows, and 16 rows before, amid and after them, whose evaluation takes a third of the FLOPs."""
    assert flops_of_training(small_recipe) == flops_of_rows(small_recipe, 12 * 8 + 3 * 16 / 3)
    assert flops_of_training(small_recipe, 2) == flops_of_rows(small_recipe, 12 * 8 + 3 * 2 * 16 / 3)


def test_muon_adds_its_products_to_every_step(small_recipe: Recipe) -> None:
    muon = small_recipe.optimizer.model_copy(update={"matrices": "muon", "momentum": 0.95})
    with_muon = small_recipe.model_copy(update={"optimizer": muon})
    added = 12 * 5 * (4 * 6 + 2 * (4 * 2 + 2)) * (2 * 32**3 + 16**3)
    assert flops_of_training(with_muon) == flops_of_training(small_recipe) + added


def test_a_falling_masking_rate_has_the_flops_of_its_mean_number_of_slots(small_recipe: Recipe) -> None:
    """In 12 steps the rate falls from .15 to .05, and every number of slots from 9 to 4 occurs twice."""
    falls = {"masking_rate_end": 0.05, "masking_rate_steps": 12}
    falling = small_recipe.model_copy(update={"corruption": small_recipe.corruption.model_copy(update=falls)})
    of_a_slot = 3 * 2 * (16 * 32 + 32 * 1200)
    expected = flops_of_rows(small_recipe, 96) - 96 * (9 - 6.5) * of_a_slot
    assert flops_of_rows(falling, 96) == pytest.approx(expected, rel=1e-12)


def test_the_random_rows_are_full_rows_of_one_example_without_special_tokens(small_recipe: Recipe) -> None:
    batch = _random_rows(small_recipe, 3)
    assert batch.tokens.shape == (3, 64) and batch.real.all() and batch.filled.sum() == 3 * 9
    assert int(batch.tokens.min()) >= 5 and int(batch.tokens.max()) < 1200
    assert batch.examples.unique().tolist() == [1]
    assert model_flops(small_recipe, work_of([batch])) == flops_of_rows(small_recipe, 3)


def _with_micro_rows(recipe: Recipe, micro_rows: int) -> Recipe:
    return recipe.model_copy(update={"batch": recipe.batch.model_copy(update={"micro_rows": micro_rows})})


def test_the_rate_is_at_least_that_of_the_whole_measurement(small_recipe: Recipe) -> None:
    """The faster of two repetitions takes at most half of the time."""
    recipe = _with_micro_rows(small_recipe, 2)
    began = time.perf_counter()
    rate = flops_per_second(recipe)
    assert 2 * flops_of_rows(recipe, 2) / (time.perf_counter() - began) <= rate < float("inf")


def test_at_most_four_rows_are_computed_on_a_cpu(small_recipe: Recipe) -> None:
    """The matrix products grow with the rows. torch counts those of oneDNN only if it is told how."""
    onednn = {torch.ops.mkldnn._linear_pointwise: lambda left, right, *_, **__: 2 * math.prod(left) * right[0]}
    counts = []
    for micro_rows in (2, 4, 8):
        with FlopCounterMode(display=False, custom_mapping=onednn) as counter:
            flops_per_second(_with_micro_rows(small_recipe, micro_rows))
        counts.append(counter.get_total_flops())
    two, four, eight = counts
    assert 0 < 2 * two == four == eight
