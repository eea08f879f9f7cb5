"""One fine-tuning: a model with a fresh head learns a task for some epochs, and is scored on what was held out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import nn

from configs.training_tables import OptimizerTable, ScheduleTable
from pretrain.evaluation.tasks.features import Feature, Reader, collate
from pretrain.evaluation.tasks.kinds import reader_of
from pretrain.evaluation.tasks.metrics import Metrics
from pretrain.evaluation.tasks.model import Backbone, parameter_groups
from pretrain.evaluation.tasks.settings import Settings
from pretrain.evaluation.tasks.task import Task
from pretrain.step.optim import ElectraAdam, learning_rate

# Called between batches; what it raises ends the fine-tuning.
Look = Callable[[], None]


def fine_tune(
    backbone: Backbone, task: Task, settings: Settings, seed: int, device: torch.device, look: Look = lambda: None
) -> Metrics:
    """The metrics on the held-out examples. The seed decides the head, the order of the examples and dropout."""
    torch.manual_seed(seed)
    reader = reader_of(task, backbone.tokenizer, settings)
    model = backbone.with_head(task).to(device)
    _learn(model, reader.to_learn(task.train), backbone, settings, device, look)
    held_out = reader.features(task.held_out)
    return reader.score(task.held_out, held_out, _said(model, reader, held_out, backbone.pad, device, look))


def _learn(
    model: nn.Module,
    features: Sequence[Feature],
    backbone: Backbone,
    settings: Settings,
    device: torch.device,
    look: Look,
) -> None:
    num_steps = settings.epochs * math.ceil(len(features) / settings.batch)
    optimizer, schedule = _plan(settings, num_steps)
    adam = ElectraAdam(parameter_groups(model, backbone.network.shape["layers"], settings), optimizer)
    model.train()
    for step, chosen in enumerate(_order(len(features), settings)):
        look()
        rate = learning_rate(step, optimizer, schedule)
        for group in adam.param_groups:
            group["lr"] = rate * group["scale"]
        model(**collate([features[number] for number in chosen], backbone.pad, device)).loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), settings.clip_norm)
        adam.step()
        adam.zero_grad()


def _order(num_features: int, settings: Settings) -> Iterator[list[int]]:
    """The features of every step, each once in an epoch."""
    for _ in range(settings.epochs):
        yield from (part.tolist() for part in torch.randperm(num_features).split(settings.batch))


def _plan(settings: Settings, num_steps: int) -> tuple[OptimizerTable, ScheduleTable]:
    """Google's Adam, and its schedule: warm-up times linear decay (run_finetuning.py)."""
    optimizer = OptimizerTable(
        learning_rate=settings.learning_rate,
        beta1=0.9,
        beta2=0.999,
        epsilon=1e-6,
        bias_correction=settings.bias_correction,
        weight_decay=settings.weight_decay,
        clip_norm=settings.clip_norm,
    )
    warmup_steps = min(int(settings.warmup_share * num_steps), num_steps - 1)
    return optimizer, ScheduleTable(steps=num_steps, warmup_steps=warmup_steps, decay_power=1.0, warmup="multiplied")


@torch.no_grad()
def _said(
    model: nn.Module, reader: Reader, features: Sequence[Feature], pad: int, device: torch.device, look: Look
) -> list[Any]:
    """What the model says of each feature."""
    model.eval()
    found: list[Any] = []
    size = reader.settings.batch
    for first in range(0, len(features), size):
        look()
        batch = collate(features[first : first + size], pad, device)
        inputs = {name: batch[name] for name in ("input_ids", "attention_mask", "token_type_ids")}
        found += reader.said(model(**inputs))
    return found
