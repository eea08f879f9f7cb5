"""What fine-tunings came to: metrics by task, model and seed."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import Any

from pretrain.evaluation.tasks.metrics import Metrics
from pretrain.evaluation.tasks.settings import Settings
from pretrain.evaluation.tasks.task import Task


@dataclass(frozen=True)
class Spread:
    """Values by seed, with their mean and their standard deviation; None for the latter of one value."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        return statistics.fmean(self.values)

    @property
    def deviation(self) -> float | None:
        return statistics.stdev(self.values) if len(self.values) > 1 else None

    def minus(self, other: Spread) -> Spread:
        """Seed by seed: head, order and dropout are drawn alike, so what they have in common goes."""
        return Spread(tuple(ours - theirs for ours, theirs in zip(self.values, other.values, strict=True)))

    def table(self) -> dict[str, Any]:
        return {"mean": self.mean, "deviation": self.deviation, "values": self.values}


@dataclass(frozen=True)
class Result:
    """What models make of a task. `seeds` grows: model -> the metrics of seed 0, of seed 1, ..."""

    task: Task
    main: str
    settings: dict[str, Settings]
    fingerprints: dict[str, str]  # of each model
    seeds: dict[str, list[Metrics]] = field(default_factory=dict)

    @property
    def models(self) -> dict[str, dict[str, Spread]]:
        """Of the models that have finished a seed: metric -> its values."""
        return {
            model: {metric: Spread(tuple(one[metric] for one in found)) for metric in found[0]}
            for model, found in self.seeds.items()
            if found
        }

    def difference(self, metric: str) -> Spread | None:
        """Of the first model to the second, where there are two that have finished the same seeds."""
        if len(self.models) < 2 or len({len(found) for found in self.seeds.values()}) > 1:
            return None
        ours, theirs = self.models.values()
        return ours[metric].minus(theirs[metric])

    def known(self) -> dict[str, Any]:
        """What is known before anything is trained: only where all of it is the same are seeds the same."""
        return {
            "task": self.task.name,
            "split": self.task.split,
            "examples": {"train": len(self.task.train), self.task.split: len(self.task.held_out)},
            "metric": self.main,
            "settings": {name: settings.model_dump(mode="json") for name, settings in self.settings.items()},
            "sha256": {"task": self.task.fingerprint, "models": self.fingerprints},
        }

    def table(self) -> dict[str, Any]:
        names = next(iter(self.models.values()), ())
        paired = {metric: spread.table() for metric in names if (spread := self.difference(metric))}
        models = {
            name: {metric: spread.table() for metric, spread in spreads.items()}
            for name, spreads in self.models.items()
        }
        return self.known() | {"models": models} | ({"difference": paired} if paired else {})
