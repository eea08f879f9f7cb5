"""Objectives are the terms of the loss. Each objective has a file of its own.

The table `[objectives.NAME]` of a recipe selects the file NAME.py. The file defines `Settings`, the keys of the table,
and `Objective`, a module with the head, the count and the loss.

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
    """The results of one forward pass through the pair, from which the objectives compute their losses."""

    batch: Batch
    slot_log_probs: Tensor  # [B, P, V and padding] of the generator, at the slots, without a gradient
    log_likelihoods: Tensor  # [B, P] of the original tokens of the slots, with a gradient
    sampled: Tensor  # [B, P] ids that the generator sampled
    candidates: Tensor  # [B, P, K] further ids that it drew, never the original
    replaced: Tensor  # [B, L] bool, where the sample is not the original
    states: Tensor  # [B, L, D] of the discriminator
    word_table: Tensor  # [V, E] of the discriminator

    @property
    def replaced_slots(self) -> Tensor:
        """[B, P] bool, whether the token of a filled slot was replaced by another token."""
        return (self.sampled != self.batch.targets) & self.batch.filled

    def slot_counts(self) -> tuple[Tensor, Tensor, Tensor]:
        """Three numbers of slots: filled, with the original as most likely token, and with the original as sample."""
        filled, targets = self.batch.filled, self.batch.targets
        predicted = self.slot_log_probs.argmax(-1)
        return filled.sum(), ((predicted == targets) & filled).sum(), ((self.sampled == targets) & filled).sum()


def take(states: Tensor, slots: Tensor) -> Tensor:
    """The states at the slots: [B, L, D], [B, P] -> [B, P, D]"""
    return states.gather(1, slots[:, :, None].expand(-1, -1, states.shape[2]))


class Settings(Table):
    """The keys that the table of every objective has. An objective with further keys extends this class."""

    weight: NotNegative


class ObjectiveModule(nn.Module):
    """The interface of an objective.

    The loss that is trained is the sum that `forward` returns, divided by the `count` of the whole step.
    """

    def __init__(self, settings: Settings):
        super().__init__()
        self.weight = settings.weight

    def initialize(self) -> None:
        """Set the initial values that differ from those of the encoder, if the objective has any."""

    def count(self, batch: Batch) -> int:
        """The number by which the sum is divided, most often a number of predictions.

        It is known on the CPU before the forward pass.
        """
        raise NotImplementedError  # each objective's own

    def forward(self, forward: Forward) -> Tensor:
        """The sum of the loss over everything that `count` counts, a scalar."""
        raise NotImplementedError  # each objective's own


def build(recipe: Recipe) -> nn.ModuleDict:
    """The objectives of a recipe by name. Raises UserError for an unknown name or key."""
    return nn.ModuleDict({name: _build(name, table.model_dump(), recipe) for name, table in recipe.objectives.items()})


def _build(name: str, table: dict[str, Any], recipe: Recipe) -> ObjectiveModule:
    names = [module.name for module in pkgutil.iter_modules(__path__)]
    if name not in names:
        raise UserError(f"{recipe.name}: objectives: {unknown('objective', name, names)}")
    module = import_module(f"{__name__}.{name}")
    settings = validate(module.Settings, table, recipe.name, f"objectives.{name}.")
    return module.Objective(settings, recipe)
