"""One fine-tuning: a model with a new head is trained on a task and scored on its held-out examples."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import nn

from configs.common.errors import UserError
from configs.update_tables import OptimizerTable, ScheduleTable
from pretrain.evaluation.tasks.backbone import Backbone
from pretrain.evaluation.tasks.features import Feature, TaskReader, collate
from pretrain.evaluation.tasks.kinds import task_reader
from pretrain.evaluation.tasks.metrics import Metrics
from pretrain.evaluation.tasks.reading.task import Task
from pretrain.evaluation.tasks.settings import FinetuneSettings
from pretrain.step.optim import ElectraAdam, learning_rate
from pretrain.step.parameter_groups import FINE_TUNED_NAMES, layer_scale, parameter_groups

# Features of this many batches are sorted by length together. All features at once may not fit in memory.
_BATCHES_SORTED = 32

# Called between batches. An exception that it raises ends the fine-tuning.
CheckStop = Callable[[], None]


def fine_tune(
    backbone: Backbone,
    task: Task,
    settings: FinetuneSettings,
    seed: int,
    device: torch.device,
    check_stop: CheckStop = lambda: None,
) -> Metrics:
    """The metrics on the held-out examples. The seed decides the head, the order of the examples and dropout.

    Raises UserError if the weights or the metrics are not finite.
    """
    torch.manual_seed(seed)
    reader = task_reader(task, backbone.tokenizer, settings)
    model = backbone.with_head(task).to(device)
    train(model, reader.training_features(task.train), backbone, settings, device, check_stop)
    features = reader.features(task.held_out)
    outputs = predict(model, reader, features, backbone.pad, device, check_stop)
    metrics = reader.score(task.held_out, features, outputs)
    weights_are_finite = all(bool(weight.isfinite().all()) for weight in model.parameters())
    if not weights_are_finite or not all(map(math.isfinite, metrics.values())):
        raise UserError(f"{task.name}: the fine-tuning with seed {seed} diverged; lower learning_rate")
    return metrics


def train(
    model: nn.Module,
    features: Sequence[Feature],
    backbone: Backbone,
    settings: FinetuneSettings,
    device: torch.device,
    check_stop: CheckStop,
) -> None:
    num_steps = settings.epochs * math.ceil(len(features) / settings.batch)
    optimizer, schedule = _recipe_tables(settings, num_steps)
    scale = rate_shares(settings, backbone.network.shape["layers"])
    adam = ElectraAdam(parameter_groups(model, settings.weight_decay, scale), optimizer)
    model.train()
    for step, numbers in enumerate(_batches(len(features), settings)):
        check_stop()
        rate = learning_rate(step, optimizer, schedule)
        for group in adam.param_groups:
            group["lr"] = rate * group["scale"]
        batch = collate([features[number] for number in numbers], backbone.pad, device)
        with _matrix_products(settings, device):
            loss = model(**batch).loss
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), settings.clip_norm)
        adam.step()
        adam.zero_grad()


def _matrix_products(settings: FinetuneSettings, device: torch.device) -> torch.autocast:
    """The type of matrix products. The context is left after every batch, since it keeps casts of older weights."""
    return torch.autocast(device.type, torch.bfloat16, enabled=settings.precision == "bf16")


def rate_shares(settings: FinetuneSettings, num_layers: int) -> Callable[[str], float]:
    """A function from the name of a parameter to its share of the learning rate."""
    # google-research/electra numbers the head n_layers + 2 and layer i from 0 upwards i + 1, so that the exponent of
    # the top layer is 2.
    top_exponent = 2 if settings.layer_decay_exponent == "google" else 0
    return layer_scale(FINE_TUNED_NAMES, num_layers, settings.layer_decay, top_exponent)


def _batches(num_features: int, settings: FinetuneSettings) -> Iterator[list[int]]:
    """The numbers of the features of every step; each occurs once in an epoch."""
    for _ in range(settings.epochs):
        yield from (part.tolist() for part in torch.randperm(num_features).split(settings.batch))


def _recipe_tables(settings: FinetuneSettings, num_steps: int) -> tuple[OptimizerTable, ScheduleTable]:
    """Google's Adam and its schedule, warm-up times linear decay (run_finetuning.py)."""
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
def predict(
    model: nn.Module,
    reader: TaskReader,
    features: Sequence[Feature],
    pad: int,
    device: torch.device,
    check_stop: CheckStop,
) -> list[Any]:
    """The outputs of the model, by feature. Features of about the same length are computed together."""
    model.eval()
    outputs: list[Any] = []
    size = reader.settings.batch
    for first in range(0, len(features), _BATCHES_SORTED * size):
        window = features[first : first + _BATCHES_SORTED * size]
        by_length = sorted(range(len(window)), key=lambda number: _num_tokens(window[number]))
        sorted_outputs: list[Any] = []
        for start in range(0, len(window), size):
            check_stop()
            batch = collate([window[number] for number in by_length[start : start + size]], pad, device)
            inputs = {name: batch[name] for name in ("input_ids", "attention_mask", "token_type_ids")}
            with _matrix_products(reader.settings, device):
                sorted_outputs += reader.outputs_by_feature(model(**inputs))
        outputs += [
            output for _, output in sorted(zip(by_length, sorted_outputs, strict=True), key=lambda pair: pair[0])
        ]
    return outputs


def _num_tokens(feature: Feature) -> int:
    return sum(map(len, feature.encodings))
