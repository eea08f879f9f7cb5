"""One fine-tuning: a model with a fresh head learns a task for some epochs, and is scored on what was held out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from configs.tables import Optimizer, Schedule
from pretrain.finetune.features import Feature, collate, reader_of
from pretrain.finetune.layouts import Task
from pretrain.finetune.metrics import Metrics
from pretrain.finetune.model import Backbone, parameter_groups
from pretrain.finetune.settings import Settings
from pretrain.optim import ElectraAdam, learning_rate


def fine_tune(backbone: Backbone, task: Task, settings: Settings, seed: int, device: torch.device) -> Metrics:
    """The metrics on the held-out examples. The seed decides the head, the order of the examples and dropout."""
    torch.manual_seed(seed)
    reader = reader_of(task, backbone.tokenizer, settings)
    model = backbone.with_head(task).to(device)
    _learn(model, reader.features(task.train), backbone, settings, device)
    held_out = reader.features(task.held_out)
    return reader.score(task.held_out, held_out, _logits(model, held_out, backbone.pad, settings, device))


def _learn(
    model: nn.Module, features: Sequence[Feature], backbone: Backbone, settings: Settings, device: torch.device
) -> None:
    num_steps = settings.epochs * math.ceil(len(features) / settings.batch)
    optimizer, schedule = _plan(settings, num_steps)
    adam = ElectraAdam(parameter_groups(model, backbone.network.shape["layers"], settings), optimizer)
    model.train()
    for step, chosen in enumerate(_order(len(features), settings)):
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


def _plan(settings: Settings, num_steps: int) -> tuple[Optimizer, Schedule]:
    """Google's Adam, and its schedule: warm-up times linear decay (run_finetuning.py)."""
    optimizer = Optimizer(
        learning_rate=settings.learning_rate,
        beta1=0.9,
        beta2=0.999,
        epsilon=1e-6,
        bias_correction=settings.bias_correction,
        weight_decay=settings.weight_decay,
        clip_norm=settings.clip_norm,
    )
    warmup_steps = min(int(settings.warmup_share * num_steps), num_steps - 1)
    return optimizer, Schedule(steps=num_steps, warmup_steps=warmup_steps, decay_power=1.0, warmup="multiplied")


@torch.no_grad()
def _logits(
    model: nn.Module, features: Sequence[Feature], pad: int, settings: Settings, device: torch.device
) -> list[NDArray[np.float32]]:
    """Of each feature: [C], [L, C], or [L, 2] of starts and ends; L counts padding too."""
    model.eval()
    found: list[NDArray[np.float32]] = []
    for first in range(0, len(features), settings.batch):
        batch = collate(features[first : first + settings.batch], pad, device)
        inputs = {name: tensor for name, tensor in batch.items() if name.endswith(("_ids", "_mask"))}
        output = model(**inputs)
        values = output.logits if "logits" in output else torch.stack([output.start_logits, output.end_logits], -1)
        found += cast(list[NDArray[np.float32]], list(values.float().cpu().numpy()))
    return found
