"""Multi-token selection (ERNIE-Health): at a replaced token, the model chooses the original among candidates.

The candidates are the original and tokens that the generator drew without replacement. The replacement that the
discriminator sees need not be among them (PaddleNLP 2.3, transformers/electra/modeling.py). The loss is averaged over
the replaced tokens of a group of rows.

Letters: B rows, P slots, D hidden, E embedding, V vocabulary, K drawn candidates, W views, C rows of a group.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from configs.common.errors import UserError
from configs.recipe import Recipe
from pretrain.model.batch import Batch
from pretrain.model.groups import grouped
from pretrain.model.linear import Linear
from pretrain.model.objectives import Forward, ObjectiveModule, Settings, take


class Objective(ObjectiveModule):
    """The head: a dense layer, gelu, and the inner product with the embedding of each candidate, plus its bias."""

    def __init__(self, settings: Settings, recipe: Recipe):
        super().__init__(settings)
        hidden = recipe.model.discriminator.hidden
        if hidden != recipe.model.embedding:
            raise UserError(
                f"{recipe.name}: objectives.mts: compares hidden states with embeddings, and "
                f"model.discriminator.hidden ({hidden}) is not model.embedding ({recipe.model.embedding})"
            )
        if not recipe.corruption.candidates:
            raise UserError(
                f"{recipe.name}: objectives.mts: needs corruption.candidates, which is 0; ERNIE-Health has 5"
            )
        self.recipe = recipe
        self.dense = Linear(hidden, hidden)
        self.bias = nn.Parameter(torch.zeros(recipe.vocabulary.size))

    def initialize(self) -> None:
        """Draw the bias at random: PaddleNLP stores it as an embedding table, and initializes it as such."""
        nn.init.normal_(self.bias, std=self.recipe.model.initializer_range)

    def logits(self, forward: Forward) -> Tensor:
        """Logits [B, P, 1 + K]. The first belongs to the original."""
        options = torch.cat([forward.batch.targets[:, :, None], forward.candidates], 2)
        query = F.gelu(self.dense(take(forward.states, forward.batch.slots))).float()
        return (query[:, :, None] * F.embedding(options, forward.word_table)).sum(3) + self.bias[options]

    def count(self, batch: Batch) -> int:
        return len(batch.tokens) // self.recipe.batch.views

    def forward(self, forward: Forward) -> Tensor:
        replaced = forward.replaced_slots
        losses = -self.logits(forward).log_softmax(2)[:, :, 0] * replaced
        of_rows = torch.stack([losses.sum(1), replaced.sum(1)], 1)  # [W B, 2]
        groups = grouped(of_rows, self.recipe, spread=self.training)
        local_sum, number = (groups.values[:, :, 0] * groups.is_local).sum(1), groups.values[:, :, 1].sum(1)
        size = groups.is_local.shape[1] // self.recipe.batch.views
        return (local_sum / number.clamp(min=1) * size).sum()
