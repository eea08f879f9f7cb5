"""`electra evaluate MODEL --task FOLDER ... [--against OTHER]`: fine-tunings over seeds, as numbers."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from configs.errors import UserError
from pretrain.finetune.layouts import Task, read_task
from pretrain.finetune.metrics import Metrics, main_metric, names_of
from pretrain.finetune.model import Backbone, open_backbone
from pretrain.finetune.settings import Settings, settings_for
from pretrain.finetune.train import fine_tune


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
    """What models made of a task: model -> metric -> its values over the seeds."""

    task: Task
    main: str
    models: dict[str, dict[str, Spread]]
    settings: dict[str, Settings]

    def difference(self, metric: str) -> Spread | None:
        """Of the first model to the second, where there are two."""
        if len(self.models) < 2:
            return None
        ours, theirs = self.models.values()
        return ours[metric].minus(theirs[metric])

    def table(self) -> dict[str, Any]:
        metrics = next(iter(self.models.values()))
        paired = {metric: spread.table() for metric in metrics if (spread := self.difference(metric))}
        return {
            "task": self.task.name,
            "split": self.task.split,
            "examples": {"train": len(self.task.train), self.task.split: len(self.task.held_out)},
            "metric": self.main,
            "models": {
                name: {metric: spread.table() for metric, spread in spreads.items()}
                for name, spreads in self.models.items()
            },
            "settings": {name: settings.model_dump(mode="json") for name, settings in self.settings.items()},
            **({"difference": paired} if paired else {}),
        }


def compare(
    models: Sequence[str],
    folders: Sequence[Path],
    num_seeds: int,
    overrides: Sequence[str],
    say: Callable[[str], None] = lambda line: None,
) -> list[Result]:
    """Fine-tune each model on each task by seeds 0, 1, ...; every input is looked at before anything is trained."""
    if len(set(models)) < len(models):
        raise UserError(f"--against {models[0]}: is the model itself; name another")
    tasks = [read_task(folder) for folder in folders]
    backbones = [open_backbone(model) for model in models]
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    empty = [_empty(task, backbones, overrides) for task in tasks]
    return [_filled(result, backbones, num_seeds, device, say) for result in empty]


def _empty(task: Task, backbones: Sequence[Backbone], overrides: Sequence[str]) -> Result:
    """What is known of a task before anything is trained."""
    settings = {backbone.name: _settings(task, backbone, overrides) for backbone in backbones}
    wanted = next(iter(settings.values())).metric
    return Result(task, main_metric(task.name, names_of(task), wanted), {}, settings)


def _settings(task: Task, backbone: Backbone, overrides: Sequence[str]) -> Settings:
    shape = backbone.network.shape
    return settings_for(task, shape["hidden"], shape["max_positions"], overrides)


def _filled(
    empty: Result, backbones: Sequence[Backbone], num_seeds: int, device: torch.device, say: Callable[[str], None]
) -> Result:
    """Every model fine-tuned by every seed."""
    task, models = empty.task, dict[str, dict[str, Spread]]()
    for backbone in backbones:
        found: list[Metrics] = []
        for seed in range(num_seeds):
            began = time.perf_counter()
            found.append(fine_tune(backbone, task, empty.settings[backbone.name], seed, device))
            score, seconds = found[-1][empty.main], time.perf_counter() - began
            say(f"{task.name}, {backbone.name}, seed {seed}: {empty.main} {score:.4f} ({seconds:.0f} s)")
        models[backbone.name] = {metric: Spread(tuple(one[metric] for one in found)) for metric in found[0]}
    return replace(empty, models=models)
