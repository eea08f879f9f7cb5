"""Objectives, the terms of the loss: one file each, found by the name of its table, `[objectives.NAME]`.

A file defines `Settings` (its table's keys) and `Objective`, a module with its head, its count and its loss.

Letters: B rows, L row length, P slots, D hidden, E embedding, V vocabulary, K candidates.
"""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from torch import Tensor, nn

from configs.common.errors import UserError, unknown
from configs.load import validate
from configs.recipe import Recipe
from configs.schema import NotNegative, Table
from pretrain.model.batch import Batch


@dataclass(frozen=True)
class Forward:
    """What one pass through the pair computed, for the objectives to judge."""

    batch: Batch
    slot_log_probs: Tensor  # [B, P, V and padding] the generator's, at the slots
    sampled: Tensor  # [B, P] ids that the generator sampled
    candidates: Tensor  # [B, P, K] further ids that it drew, never the original
    replaced: Tensor  # [B, L] bool, where the sample is not the original
    states: Tensor  # [B, L, D] of the discriminator
    word_table: Tensor  # [V, E] of the discriminator

    @property
    def replaced_slots(self) -> Tensor:
        """[B, P] bool."""
        return (self.sampled != self.batch.targets) & self.batch.filled

    def slot_counts(self) -> tuple[Tensor, Tensor, Tensor]:
        """Filled slots, those whose most likely token is the original, and those whose sample is."""
        filled, targets = self.batch.filled, self.batch.targets
        predicted = self.slot_log_probs.detach().argmax(-1)
        return filled.sum(), ((predicted == targets) & filled).sum(), ((self.sampled == targets) & filled).sum()


def take(states: Tensor, slots: Tensor) -> Tensor:
    """The states of the slots: [B, L, D], [B, P] -> [B, P, D]"""
    return states.gather(1, slots[:, :, None].expand(-1, -1, states.shape[2]))


class Settings(Table):
    """The keys that every objective's table has; an objective with more extends it."""

    weight: NotNegative


class ObjectiveModule(nn.Module):
    """The interface of an objective. The loss is its sum over a batch divided by the count of the whole step."""

    def __init__(self, settings: Settings):
        super().__init__()
        self.weight = settings.weight

    def initialize(self) -> None:
        """Initial values that differ from the encoder's, where the objective has any."""

    def count(self, batch: Batch) -> int:
        """What the sum is divided by, most often a number of predictions. Known on the host before the forward pass."""
        raise NotImplementedError  # each objective's own

    def forward(self, forward: Forward) -> Tensor:
        """The loss summed over what `count` counts, a scalar."""
        raise NotImplementedError  # each objective's own


def build(recipe: Recipe) -> nn.ModuleDict:
    """The objectives of a recipe by name; raises UserError for an unknown name or key."""
    return nn.ModuleDict({name: _build(name, table.model_dump(), recipe) for name, table in recipe.objectives.items()})


def _build(name: str, table: dict[str, Any], recipe: Recipe) -> ObjectiveModule:
    known = [module.name for module in pkgutil.iter_modules(__path__)]
    if name not in known:
        raise UserError(f"{recipe.name}: objectives: {unknown('objective', name, known)}")
    module = import_module(f"{__name__}.{name}")
    settings = validate(module.Settings, table, recipe.name, f"objectives.{name}.")
    return module.Objective(settings, recipe)
