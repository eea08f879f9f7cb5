"""The cost of a step: rates, the share of time spent waiting for data, and model-FLOP utilisation."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from configs.recipe import Recipe
from pretrain.model.batch import Batch
from pretrain.step.flops import Work, model_flops, work_of
from pretrain.step.measures import Measures
from pretrain.step.muon_costs import update_flops
from pretrain.step.world import World


class Meter:
    """Counts work and time from one logged step to the next."""

    def __init__(self, recipe: Recipe, world: World, peak_flops: float, first_row: int = 0):
        self._recipe, self._world, self._peak_flops, self._first_row = recipe, world, peak_flops, first_row
        self._restart()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """The time inside this block is counted as waiting for data."""
        begin = time.perf_counter()
        yield
        self._waited += time.perf_counter() - begin

    @contextmanager
    def aside(self) -> Iterator[None]:
        """The time inside this block, of evaluation or saving, is not counted. The queued steps are finished first."""
        self._world.synchronize()
        begin = time.perf_counter()
        yield
        self._began += time.perf_counter() - begin

    def count(self, batches: list[Batch]) -> None:
        self._steps += 1
        self._work += work_of(batches)

    def values(self, step: int, measures: Measures, rate: float) -> dict[str, Any]:
        """Everything that is logged for a step. After this call, counting starts again from zero."""
        seconds = time.perf_counter() - self._began
        flops = model_flops(self._recipe, self._work) * self._world.size + self._steps * update_flops(self._recipe)
        flops /= seconds
        rows, earlier_rows = (self._recipe.batch.rows_before(end) for end in (step, step - self._steps))
        values = {
            "loss": measures.total,
            **{f"{name}_loss": loss for name, loss in measures.losses.items()},
            "masked_accuracy": measures.masked_accuracy,
            "sampled_accuracy": measures.sampled_accuracy,
            "replaced_share": measures.replaced_share,
            "learning_rate": rate,
            "gradient_norm": measures.gradient_norm,
            **{f"gradient_norm/{part}": norm for part, norm in measures.part_norms.items()},
            "skipped_steps": measures.skipped_steps,
            "rows_seen": self._first_row + rows,
            "rows_per_second": (rows - earlier_rows) / seconds,
            "tokens_per_second": self._work.tokens * self._world.size / seconds,
            "data_wait_share": self._waited / seconds,
            "model_tflops_per_second": flops / 1e12,
            "mfu": flops / (self._peak_flops * self._world.size),
        }
        self._restart()
        return values

    def _restart(self) -> None:
        self._began, self._waited, self._steps, self._work = time.perf_counter(), 0.0, 0, Work()
