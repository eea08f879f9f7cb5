"""Masked language modelling: the generator predicts the original tokens of the slots."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from configs.recipe import Recipe
from pretrain.model.batch import Batch
from pretrain.model.linear import Linear, linear
from pretrain.model.objectives import Forward, ObjectiveModule, Settings
from pretrain.model.sampling import BLOCK


class Objective(ObjectiveModule):
    """The head: a dense layer, gelu, LayerNorm, and logits over the vocabulary by the word table itself and a bias."""

    def __init__(self, settings: Settings, recipe: Recipe):
        super().__init__(settings)
        model = recipe.model
        self.dense = Linear(model.generator.hidden, model.embedding_of_generator)
        self.norm = nn.LayerNorm(model.embedding_of_generator, eps=model.layer_norm_epsilon)
        self.bias = nn.Parameter(torch.zeros(recipe.vocabulary.size))

    def logits(self, states: Tensor, word_table: Tensor) -> Tensor:
        """States [..., D] of the generator, [V, E] -> [..., V and padding]. A padded token has the probability 0."""
        table, bias, padding = word_table, self.bias, -len(word_table) % BLOCK
        if padding:
            table, bias = F.pad(table, (0, 0, 0, padding)), F.pad(bias, (0, padding), value=-torch.inf)
        return linear(self.norm(F.gelu(self.dense(states))), table, bias)

    def count(self, batch: Batch) -> int:
        return int(batch.filled.sum())

    def forward(self, forward: Forward) -> Tensor:
        return -(forward.log_likelihoods * forward.batch.filled).sum()
