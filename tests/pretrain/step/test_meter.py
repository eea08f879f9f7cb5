"""The rates of a logged step are worked by hand, on a clock that the test sets."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from configs.recipe import Recipe
from data_prep.shards import Corpus
from pretrain.model.batch import Batch
from pretrain.step import meter
from pretrain.step.flops import model_flops, work_of
from pretrain.step.loader import batch_of
from pretrain.step.measures import Measures
from pretrain.step.meter import Meter
from pretrain.step.world import World

MEASURES = Measures({"mlm": 3.0, "rtd": 0.5}, 28.0, 1.5, {"heads/rtd": 0.75}, 0.25, 0.125, 0.0625, 2)


class _Clock(SimpleNamespace):
    now: float = 100.0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> _Clock:
    clock = _Clock()
    monkeypatch.setattr(meter, "time", clock)
    return clock


@pytest.fixture
def batch(corpus: Corpus, small_recipe: Recipe) -> Batch:
    numbers = np.arange(small_recipe.batch.rows)
    return batch_of(corpus, small_recipe, "train", numbers, np.zeros_like(numbers), numbers)


def test_rates_by_hand(small_recipe: Recipe, world: World, batch: Batch, clock: _Clock) -> None:
    """Two steps of 8 rows take four seconds, one of them of waiting. Fifty seconds of evaluation are not counted."""
    measured = Meter(small_recipe, world, peak_flops=1e9, first_row=1000)
    measured.count([batch])
    with measured.waiting():
        clock.now += 1
    with measured.aside():
        clock.now += 50
    measured.count([batch])
    clock.now += 3
    values = measured.values(5, MEASURES, 1e-4)
    flops = 2 * model_flops(small_recipe, work_of([batch])) / 4
    assert values["rows_seen"] == 1000 + 5 * 8
    assert values["rows_per_second"] == 2 * 8 / 4
    assert values["tokens_per_second"] == 2 * int(batch.real.sum()) / 4
    assert values["data_wait_share"] == 1 / 4
    assert values["model_tflops_per_second"] == pytest.approx(flops / 1e12)
    assert values["mfu"] == pytest.approx(flops / 1e9)


def test_the_products_of_muon_are_counted_for_every_step(
    small_recipe: Recipe, world: World, batch: Batch, clock: _Clock
) -> None:
    muon = small_recipe.optimizer.model_copy(update={"matrices": "muon", "momentum": 0.95})
    measured = Meter(small_recipe.model_copy(update={"optimizer": muon}), world, peak_flops=1e9)
    measured.count([batch])
    measured.count([batch])
    clock.now += 4
    # Two layers of 32 and one of 16. Each has four squares and two matrices that are twice as long.
    inner = 4 * 6 + 2 * (4 * 2 + 2)
    flops = 2 * (model_flops(small_recipe, work_of([batch])) + 5 * inner * (2 * 32**3 + 16**3))
    assert measured.values(5, MEASURES, 1e-4)["model_tflops_per_second"] == pytest.approx(flops / 4 / 1e12)


def test_the_measures_of_a_step_get_their_names(small_recipe: Recipe, world: World, clock: _Clock) -> None:
    measured = Meter(small_recipe, world, peak_flops=1.0)
    clock.now += 1
    values: dict[str, Any] = measured.values(1, MEASURES, 1e-4)
    expected = {"loss": 28.0, "mlm_loss": 3.0, "rtd_loss": 0.5, "gradient_norm": 1.5, "learning_rate": 1e-4}
    expected |= {"gradient_norm/heads/rtd": 0.75}
    expected |= {"masked_accuracy": 0.25, "sampled_accuracy": 0.125, "replaced_share": 0.0625, "skipped_steps": 2}
    assert expected.items() <= values.items()


def test_counting_starts_again_after_every_logged_step(
    small_recipe: Recipe, world: World, batch: Batch, clock: _Clock
) -> None:
    measured = Meter(small_recipe, world, peak_flops=1.0)
    measured.count([batch])
    with measured.waiting():
        clock.now += 8
    measured.values(1, MEASURES, 0.0)
    clock.now += 2
    values = measured.values(2, MEASURES, 0.0)
    assert values["rows_seen"] == 16
    assert [values[name] for name in ("rows_per_second", "tokens_per_second", "data_wait_share", "mfu")] == [0, 0, 0, 0]


def test_several_processes_share_the_work(small_recipe: Recipe, world: World, batch: Batch, clock: _Clock) -> None:
    """Four processes count the tokens of one, and compare the FLOPs of all with the rates of all."""
    of_four, of_one = (Meter(small_recipe, World(0, size, world.device, None), peak_flops=1e9) for size in (4, 1))
    for measured in (of_four, of_one):
        measured.count([batch])
    clock.now += 1
    four, one = of_four.values(1, MEASURES, 0.0), of_one.values(1, MEASURES, 0.0)
    assert four["tokens_per_second"] == 4 * one["tokens_per_second"]
    assert four["rows_per_second"] == one["rows_per_second"]
    assert four["mfu"] == pytest.approx(one["mfu"])
