"""What a run has recorded about itself, read from its folder: its progress, its speed and the problems that showed."""

from __future__ import annotations

import shlex
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from configs.common.errors import UserError
from configs.common.files import read_json
from configs.folders import PROVENANCE, RECIPE
from configs.load import load, validate
from configs.recipe import Recipe
from configs.schema import Natural
from pretrain.run.logs import EvaluationKind, read_metrics
from pretrain.watch.health import Verdict, verdict

Axis = Literal["step", "tokens", "flops", "hours"]
# axis -> the rate in a line of metrics whose integral over time it is, and the factor to its unit
_RATES = {"tokens": ("tokens_per_second", 1e-6), "flops": ("model_tflops_per_second", 1e-3), "hours": (None, 1 / 3600)}


class _Start(BaseModel):
    model_config = ConfigDict(extra="allow")
    step: Natural


class _Provenance(BaseModel):
    starts: list[_Start]


@dataclass(frozen=True)
class History:
    folder: Path
    recipe: Recipe
    starts: list[dict[str, Any]]
    metrics: list[dict[str, Any]]

    @property
    def name(self) -> str:
        return str(self.folder)

    @property
    def training(self) -> list[dict[str, Any]]:
        return [line for line in self.metrics if line["kind"] == "training"]

    @property
    def last_step(self) -> int:
        return max((line["step"] for line in self.metrics), default=0)

    @property
    def skipped_steps(self) -> int:
        return next((line["skipped_steps"] for line in reversed(self.training) if line.get("skipped_steps")), 0)

    @property
    def commands(self) -> list[str]:
        """The different commands by which the run was started, the first one first."""
        return list(dict.fromkeys(shlex.join(["electra", *start["command"][1:]]) for start in self.starts))

    def evaluations(self, kind: EvaluationKind) -> list[dict[str, Any]]:
        return [line for line in self.metrics if line["kind"] == kind]

    def median(self, name: str) -> float | None:
        """Return the median of a value over the training lines, which a slow first step does not change."""
        values = [line[name] for line in self.training if line.get(name) is not None]
        return statistics.median(values) if values else None

    def position(self, steps: Sequence[int], axis: Axis) -> list[float]:
        """Return where the steps lie on an axis: in steps, million tokens, PFLOP of the model, or hours of training."""
        if axis == "step":
            return [float(step) for step in steps]
        ends, totals = self._totals[axis]
        return np.interp(steps, ends, totals).tolist()

    def total(self, axis: Axis) -> float:
        """Return how far the run has come on an axis."""
        return self.position([self.last_step], axis)[0]

    @cached_property
    def _totals(self) -> dict[str, tuple[list[int], list[float]]]:
        """For each axis: the logged steps, and how much was done until each, with the rates that were logged."""
        lines = [line for line in self.training if all(line.get(name) for name in ("rows_per_second", *_rate_names()))]
        steps = [0, *(line["step"] for line in lines)]
        rows_before = self.recipe.batch.rows_before
        totals = {}
        for axis, (rate, factor) in _RATES.items():
            done = [0.0]
            for line, before in zip(lines, steps, strict=False):
                rows = rows_before(line["step"]) - rows_before(before)
                seconds = rows / line["rows_per_second"]
                done.append(done[-1] + seconds * factor * (line[rate] if rate else 1))
            totals[axis] = steps, done
        return totals

    def verdict(self) -> Verdict:
        """Judge the health of the run, in the sentences that it showed while it trained."""
        return verdict(self.metrics, self.recipe, self.starts[-1]["step"] if self.starts else 0)


def _rate_names() -> Iterator[str]:
    return (rate for rate, _ in _RATES.values() if rate)


def read_history(folder: Path) -> History:
    """Raises UserError when the folder is not a run, or nothing has been logged yet."""
    if not (folder / RECIPE).is_file() or not (folder / PROVENANCE).is_file():
        raise UserError(f"{folder}: is no run; name a folder that `electra pretrain --run` made")
    metrics = read_metrics(folder)
    if not metrics:
        raise UserError(f"{folder}: has logged nothing yet, so there is nothing to report")
    path = folder / PROVENANCE
    starts = validate(_Provenance, read_json(path), str(path)).model_dump()["starts"]
    return History(folder, load(str(folder / RECIPE)), starts, metrics)


def health_of(run: Path) -> Verdict | None:
    """Judge the health of a run, or return None before it has logged anything."""
    return read_history(run).verdict() if (run / PROVENANCE).is_file() and read_metrics(run) else None
