"""The results of fine-tunings: metrics by task, model and seed."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import Any

from pretrain.evaluation.tasks.metrics import Metrics
from pretrain.evaluation.tasks.reading.task import Task
from pretrain.evaluation.tasks.settings import FinetuneSettings


@dataclass(frozen=True)
class Spread:
    """The values of a metric by seed, with their mean and standard deviation; a single value has no deviation."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        return statistics.fmean(self.values)

    @property
    def deviation(self) -> float | None:
        return statistics.stdev(self.values) if len(self.values) > 1 else None

    def minus(self, other: Spread) -> Spread:
        """Seed by seed: two models share the head, the order and the dropout of a seed, which cancels their effect."""
        return Spread(tuple(left - right for left, right in zip(self.values, other.values, strict=True)))

    def to_dict(self) -> dict[str, Any]:
        return {"mean": self.mean, "deviation": self.deviation, "values": self.values}


@dataclass(frozen=True)
class TaskResult:
    """The results of all models on a task. `seeds` grows: model -> the metrics of seed 0, of seed 1, ..."""

    task: Task
    main: str
    settings: dict[str, FinetuneSettings]
    fingerprints: dict[str, str]  # by model
    seeds: dict[str, list[Metrics]] = field(default_factory=dict)

    @property
    def models(self) -> dict[str, dict[str, Spread]]:
        """For each model that has finished a seed: metric -> its values."""
        return {
            model: {metric: Spread(tuple(metrics[metric] for metrics in seeds)) for metric in seeds[0]}
            for model, seeds in self.seeds.items()
            if seeds
        }

    def difference(self, metric: str) -> Spread | None:
        """The first model minus the second, once there are two that have finished the same seeds."""
        if len(self.models) < 2 or len({len(seeds) for seeds in self.seeds.values()}) > 1:
            return None
        first, second = self.models.values()
        return first[metric].minus(second[metric])

    def identity(self) -> dict[str, Any]:
        """The facts known before training. Two results may share seeds only if all these facts are equal."""
        return {
            "task": self.task.name,
            "split": self.task.split,
            "examples": {"train": len(self.task.train), self.task.split: len(self.task.held_out)},
            "metric": self.main,
            "settings": {name: settings.model_dump(mode="json") for name, settings in self.settings.items()},
            "sha256": {"task": self.task.fingerprint, "models": self.fingerprints},
        }

    def to_dict(self) -> dict[str, Any]:
        names = next(iter(self.models.values()), ())
        paired = {metric: spread.to_dict() for metric in names if (spread := self.difference(metric))}
        models = {
            name: {metric: spread.to_dict() for metric, spread in spreads.items()}
            for name, spreads in self.models.items()
        }
        return self.identity() | {"models": models} | ({"difference": paired} if paired else {})
