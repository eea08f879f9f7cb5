"""A short measurement of how fast this machine trains the pair of a recipe, on rows of random tokens."""

from __future__ import annotations

import time

import numpy as np
import torch

from configs.recipe import Recipe
from data_prep.rows import pack
from data_prep.shards import SpecialTokens, row_dtype
from pretrain.model.batch import Batch, make_batch
from pretrain.model.pair import ElectraPair
from pretrain.step.flops import Work, model_flops, work_of
from pretrain.step.muon_costs import update_flops
from pretrain.step.world import precision

# Rows that are computed at once. A whole micro-batch of a large model would take minutes on a CPU.
_MOST_ROWS_ON_CPU = 4
_REPETITIONS = 2
_ANY_SPECIAL = SpecialTokens(pad=0, unk=1, cls=2, sep=3, mask=4)


def flops_per_second(recipe: Recipe) -> float:
    """Measure the model FLOPs of a forward and a backward pass per second; the first pass only warms up."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    rows = recipe.batch.micro_rows if device.type == "cuda" else min(recipe.batch.micro_rows, _MOST_ROWS_ON_CPU)
    dtype, batch = precision(recipe.compute.precision, device), _random_rows(recipe, rows).to(device)
    pair = ElectraPair(recipe).to(device)
    counts, seconds = pair.counts([batch]), []
    for _ in range(1 + _REPETITIONS):
        began = time.perf_counter()
        with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
            loss = pair(batch, counts).loss
        loss.backward()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - began)
    return model_flops(recipe, work_of([batch])) / min(seconds[1:])


def flops_of_rows(recipe: Recipe, rows: float) -> float:
    """Return the model FLOPs of training on full rows of one example. Predicting takes a third of them."""
    length = recipe.data.row_length
    return rows * model_flops(recipe, Work(length, recipe.mean_slots, length**2))


def flops_of_steps(recipe: Recipe, steps: int) -> float:
    """Return the FLOPs of steps on full rows, with those that Muon adds to every step."""
    rows = recipe.batch.rows_before(steps) * recipe.batch.views
    return flops_of_rows(recipe, rows) + steps * update_flops(recipe)


def flops_of_training(recipe: Recipe, num_corpora: int = 1) -> float:
    """Return the FLOPs of a whole run: its steps, and the evaluations of `num_corpora` corpora between them."""
    evaluations = recipe.schedule.steps // recipe.run.evaluate_every + 1
    evaluated = evaluations * recipe.run.evaluate_rows * num_corpora
    return flops_of_steps(recipe, recipe.schedule.steps) + flops_of_rows(recipe, evaluated / 3)


def _random_rows(recipe: Recipe, number: int) -> Batch:
    length, draw = recipe.data.row_length, np.random.default_rng(0)
    rows = np.zeros(number, row_dtype(length, recipe.vocabulary.size, 1))
    rows["tokens"] = draw.integers(len(SpecialTokens.model_fields), recipe.vocabulary.size, rows["tokens"].shape)
    rows["length"] = length
    starts = np.zeros((number, length), np.bool_)
    starts[:, 0] = True
    rows["example_start"] = pack(starts)
    num_slots = recipe.masking.slots(length)
    return make_batch(
        rows,
        np.broadcast_to(np.arange(length) < num_slots, (number, length)),
        np.arange(number),
        num_slots=num_slots,
        corruption=recipe.corruption,
        special=_ANY_SPECIAL,
        vocabulary_size=recipe.vocabulary.size,
        seed=recipe.seed,
        purpose="calibration",
    )
