"""`electra evaluate MODEL --task FOLDER ... [--against OTHER]`: models are fine-tuned over seeds and scored."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from configs.common.errors import Unfinished, UserError
from pretrain.evaluation.tasks.backbone import Backbone, open_backbone
from pretrain.evaluation.tasks.metric_names import main_metric, metric_names
from pretrain.evaluation.tasks.partial_results import PartialResults
from pretrain.evaluation.tasks.reading.folders import read_task
from pretrain.evaluation.tasks.reading.task import Task
from pretrain.evaluation.tasks.results import TaskResult
from pretrain.evaluation.tasks.settings import FinetuneSettings, reading_options, settings_for
from pretrain.evaluation.tasks.train import fine_tune
from pretrain.step.allocator import keep_freed_memory


@dataclass(frozen=True)
class Progress:
    """The functions by which a comparison prints its progress and learns that the user wants to stop it."""

    report: Callable[[str], None] = lambda line: None
    describe: Callable[[TaskResult], None] = lambda result: None
    stop_requested: Callable[[], bool] = lambda: False


def compare(
    models: Sequence[str],
    folders: Sequence[Path],
    num_seeds: int,
    overrides: Sequence[str],
    partial: PartialResults,
    progress: Progress,
) -> list[TaskResult]:
    """Fine-tune each model on each task by seeds 0, 1, ...; every input is checked and described before training.

    Raises Unfinished when a stop is requested; finished seeds are then in `partial`.
    """
    _check_names(models, folders)
    options = reading_options(overrides)
    tasks = [read_task(folder, options) for folder in folders]
    backbones = [open_backbone(model) for model in models]
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.type == "cpu":
        keep_freed_memory()
    results = [_empty_result(task, backbones, overrides) for task in tasks]
    for result in results:
        progress.describe(result)
    partial.restore(results, num_seeds)
    for result in results:
        for backbone in backbones:
            for seed in range(len(result.seeds[backbone.name]), num_seeds):
                _add_seed(result, backbone, seed, device, lambda: _check_stop(partial, progress), progress)
                partial.save(results, num_seeds)
    partial.finish(results, num_seeds)
    return results


def _check_names(models: Sequence[str], folders: Sequence[Path]) -> None:
    if len(set(models)) < len(models):
        raise UserError(f"--against {models[0]}: is the model itself; name another")
    name, times = Counter(folder.resolve().name for folder in folders).most_common(1)[0]
    if times > 1:
        raise UserError(
            f"--task: {times} folders are named {name}, and results go by the name; give them different names"
        )


def _empty_result(task: Task, backbones: Sequence[Backbone], overrides: Sequence[str]) -> TaskResult:
    settings = {backbone.name: _settings(task, backbone, overrides) for backbone in backbones}
    requested = next(iter(settings.values())).metric
    fingerprints = {backbone.name: backbone.fingerprint for backbone in backbones}
    main = main_metric(task.name, metric_names(task), requested)
    return TaskResult(task, main, settings, fingerprints, {backbone.name: [] for backbone in backbones})


def _settings(task: Task, backbone: Backbone, overrides: Sequence[str]) -> FinetuneSettings:
    shape = backbone.network.shape
    return settings_for(task, shape["hidden"], shape["max_positions"], overrides)


def _add_seed(
    result: TaskResult,
    backbone: Backbone,
    seed: int,
    device: torch.device,
    check_stop: Callable[[], None],
    progress: Progress,
) -> None:
    began, task = time.perf_counter(), result.task
    metrics = fine_tune(backbone, task, result.settings[backbone.name], seed, device, check_stop)
    result.seeds[backbone.name].append(metrics)
    seconds = time.perf_counter() - began
    score = f"{result.main} {metrics[result.main]:.4f}"
    progress.report(f"{task.name}, {backbone.name}, seed {seed}: {score} ({seconds:.0f} s)")


def _check_stop(partial: PartialResults, progress: Progress) -> None:
    if progress.stop_requested():
        raise Unfinished(f"stopped; {partial.remark()}")
