"""Contrastive sequence prediction (ERNIE-Health): the model finds the other view of a row among the rows of its group.

The two views are two maskings of the same row. The vector of a view is computed from its first token, [CLS]. The loss
is NT-Xent (SimCLR). Its gradient also reaches the vectors of other processes, whereas PaddleNLP's does not.

Letters: B rows, D hidden, H width of a vector, W views, G groups, C rows of a group.
"""

from __future__ import annotations

from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from configs.common.errors import UserError
from configs.recipe import Recipe
from configs.schema import Count
from pretrain.model.batch import Batch
from pretrain.model.dropout import Dropout
from pretrain.model.groups import grouped
from pretrain.model.linear import Linear
from pretrain.model.objectives import Forward, ObjectiveModule
from pretrain.model.objectives import Settings as CommonSettings


class Settings(CommonSettings):
    width: Count
    temperature: Annotated[float, Field(gt=0)]


class Objective(ObjectiveModule):
    """The head: dropout, a dense layer, gelu, dropout, and a linear layer that gives a vector."""

    def __init__(self, settings: Settings, recipe: Recipe):
        super().__init__(settings)
        if recipe.batch.views != 2:
            raise UserError(f"{recipe.name}: objectives.csp: compares two views of a row; set batch.views=2")
        if recipe.batch.group_rows == 1 < recipe.batch.rows:
            raise UserError(
                f"{recipe.name}: objectives.csp: a row alone has nothing to differ from; set batch.group_rows"
            )
        hidden = recipe.model.discriminator.hidden
        self.recipe, self.temperature = recipe, settings.temperature
        self.dense = Linear(hidden, hidden)
        self.output = Linear(hidden, settings.width)
        self.dropout = Dropout(recipe.model.dropout)

    def vectors(self, states: Tensor) -> Tensor:
        """[W B, L, D] -> [W B, H]"""
        return self.output(self.dropout(F.gelu(self.dense(self.dropout(states[:, 0])))))

    def count(self, batch: Batch) -> int:
        return len(batch.tokens)

    def forward(self, forward: Forward) -> Tensor:
        vectors = self.vectors(forward.states)
        vectors = F.normalize(vectors.to(torch.promote_types(vectors.dtype, torch.float32)), dim=1)
        groups = grouped(vectors, self.recipe, spread=self.training)
        # Division by a small temperature, such as 0.07, would magnify the rounding errors of bf16.
        with torch.autocast(vectors.device.type, enabled=False):
            similarities = groups.values @ groups.values.transpose(1, 2) / self.temperature  # [G, 2 C, 2 C]
        itself = torch.eye(similarities.shape[1], dtype=torch.bool, device=vectors.device)
        log_probs = similarities.masked_fill(itself, -torch.inf).log_softmax(2)
        other_view = log_probs.roll(-len(itself) // 2, 2).diagonal(dim1=1, dim2=2)  # [G, 2 C]
        return -(other_view * groups.is_local).sum()
