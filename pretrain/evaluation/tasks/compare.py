"""`electra evaluate MODEL --task FOLDER ... [--against OTHER]`: fine-tunings over seeds, as numbers."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from configs.common.errors import Unfinished, UserError
from pretrain.evaluation.tasks.layouts import read_task
from pretrain.evaluation.tasks.metrics import main_metric, names_of
from pretrain.evaluation.tasks.model import Backbone, open_backbone
from pretrain.evaluation.tasks.partial_results import Kept
from pretrain.evaluation.tasks.results import Result
from pretrain.evaluation.tasks.settings import Settings, settings_for
from pretrain.evaluation.tasks.task import Task
from pretrain.evaluation.tasks.train import fine_tune


def compare(
    models: Sequence[str],
    folders: Sequence[Path],
    num_seeds: int,
    overrides: Sequence[str],
    kept: Kept,
    say: Callable[[str], None] = lambda line: None,
    asked: Callable[[], bool] = lambda: False,
) -> list[Result]:
    """Fine-tune each model on each task by seeds 0, 1, ...; every input is looked at before anything is trained.

    `asked` is whether to stop: Unfinished is raised, with the seeds that are finished kept.
    """
    if len(set(models)) < len(models):
        raise UserError(f"--against {models[0]}: is the model itself; name another")
    name, times = Counter(folder.name for folder in folders).most_common(1)[0]
    if times > 1:
        raise UserError(
            f"--task: {times} folders are named {name}, and results go by the name; give them different ones"
        )
    tasks = [read_task(folder) for folder in folders]
    backbones = [open_backbone(model) for model in models]
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    results = [_empty(task, backbones, overrides) for task in tasks]
    kept.take_over(results, num_seeds)
    for result in results:
        for backbone in backbones:
            for seed in range(len(result.seeds[backbone.name]), num_seeds):
                _fill(result, backbone, seed, device, lambda: _stop(asked, kept), say)
                kept.keep(results, num_seeds)
    kept.finish(results, num_seeds)
    return results


def _empty(task: Task, backbones: Sequence[Backbone], overrides: Sequence[str]) -> Result:
    """What is known of a task before anything is trained."""
    settings = {backbone.name: _settings(task, backbone, overrides) for backbone in backbones}
    wanted = next(iter(settings.values())).metric
    fingerprints = {backbone.name: backbone.fingerprint for backbone in backbones}
    main = main_metric(task.name, names_of(task), wanted)
    return Result(task, main, settings, fingerprints, {backbone.name: [] for backbone in backbones})


def _settings(task: Task, backbone: Backbone, overrides: Sequence[str]) -> Settings:
    shape = backbone.network.shape
    return settings_for(task, shape["hidden"], shape["max_positions"], overrides)


def _fill(
    result: Result,
    backbone: Backbone,
    seed: int,
    device: torch.device,
    look: Callable[[], None],
    say: Callable[[str], None],
) -> None:
    began, task = time.perf_counter(), result.task
    found = fine_tune(backbone, task, result.settings[backbone.name], seed, device, look)
    result.seeds[backbone.name].append(found)
    seconds = time.perf_counter() - began
    say(f"{task.name}, {backbone.name}, seed {seed}: {result.main} {found[result.main]:.4f} ({seconds:.0f} s)")


def _stop(asked: Callable[[], bool], kept: Kept) -> None:
    if asked():
        raise Unfinished(f"stopped; {kept.remark()}")
