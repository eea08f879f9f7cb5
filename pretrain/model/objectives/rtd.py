"""Replaced token detection: for every token, the discriminator tells whether the generator replaced it.

A sample that equals the original counts as original.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from configs.recipe import Recipe
from pretrain.model.batch import Batch
from pretrain.model.encoder import draw_glorot
from pretrain.model.linear import Linear
from pretrain.model.objectives import Forward, ObjectiveModule, Settings


class Objective(ObjectiveModule):
    """The head: a dense layer, gelu, and a linear layer that gives a logit. A positive logit means "replaced"."""

    def __init__(self, settings: Settings, recipe: Recipe):
        super().__init__(settings)
        hidden = recipe.model.discriminator.hidden
        self.model = recipe.model
        self.dense = Linear(hidden, hidden)
        self.prediction = Linear(hidden, 1)

    def initialize(self) -> None:
        """Draw the last layer by Glorot, because Google builds it without an initializer (run_pretraining.py)."""
        draw_glorot(self.prediction.weight, self.model)

    def logits(self, states: Tensor) -> Tensor:
        """[B, L, D] -> [B, L]"""
        return self.prediction(F.gelu(self.dense(states))).squeeze(-1)

    def count(self, batch: Batch) -> int:
        return int(batch.real.sum())

    def forward(self, forward: Forward) -> Tensor:
        logits = self.logits(forward.states).float()
        losses = F.binary_cross_entropy_with_logits(logits, forward.replaced.float(), reduction="none")
        return (losses * forward.batch.real).sum()
