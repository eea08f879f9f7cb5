"""Generator and discriminator, trained jointly: the figure of the ELECTRA paper as one forward pass.

Letters: B rows, L row length, P slots, D hidden, E embedding, V vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from configs.errors import UserError
from configs.recipe import Recipe
from pretrain import attention, objectives
from pretrain.batch import Batch
from pretrain.model import Embeddings, Encoder, initialize
from pretrain.objectives import Forward

Counts = dict[str, Tensor]


@dataclass(frozen=True)
class Output:
    loss: Tensor  # the weighted sum of the objectives, a scalar
    sums: dict[str, Tensor]  # each objective's loss, not yet divided by its count
    forward: Forward


class ElectraPair(nn.Module):
    """Raises UserError for a recipe whose objectives do not exist or do not fit."""

    def __init__(self, recipe: Recipe):
        super().__init__()
        if "mlm" not in recipe.objectives:
            raise UserError(f"{recipe.name}: objectives.mlm: missing; it is what the generator learns from")
        self.embeddings = Embeddings(recipe.model, recipe.vocabulary.size)
        self.generator = Encoder(recipe.model.generator, recipe.model)
        self.discriminator = Encoder(recipe.model.discriminator, recipe.model)
        self.objectives = objectives.build(recipe)
        self.temperature = recipe.corruption.temperature
        initialize(self, recipe.model.initializer_range)
        for objective in self.objectives.values():
            objective.initialize()

    def counts(self, batches: list[Batch]) -> Counts:
        """By how much each objective's sum is to be divided: its predictions in these batches."""
        return {
            name: torch.stack([objective.count(batch) for batch in batches]).sum()
            for name, objective in self.objectives.items()
        }

    def forward(self, batch: Batch, counts: Counts) -> Output:
        """`counts` are those of the whole step, over all micro-batches and processes."""
        bounds = attention.bounds(batch.examples)

        generator_states = self.generator(self._embed(batch.masked_tokens, batch), bounds)  # [B, L, D]
        slot_states = _take(generator_states, batch.slots)  # [B, P, D]
        logits = self.objectives["mlm"].logits(slot_states, self.embeddings.word.weight)  # [B, P, V]
        log_probs = logits.float().log_softmax(-1)

        sampled = sample(log_probs, batch.uniforms, self.temperature)  # [B, P]
        replacements = torch.where(batch.filled, sampled, batch.targets)
        corrupted = batch.tokens.scatter(1, batch.slots, replacements)  # [B, L]

        states = self.discriminator(self._embed(corrupted, batch), bounds)  # [B, L, D]
        forward = Forward(batch, log_probs, sampled, corrupted != batch.tokens, states)

        sums = {name: objective(forward) for name, objective in self.objectives.items()}
        terms = [self.objectives[name].weight * sums[name] / counts[name].clamp(min=1) for name in sums]
        return Output(torch.stack(terms).sum(), {name: value.detach() for name, value in sums.items()}, forward)

    def _embed(self, tokens: Tensor, batch: Batch) -> Tensor:
        return self.embeddings(tokens, batch.positions, batch.segments)


def _take(states: Tensor, slots: Tensor) -> Tensor:
    """[B, L, D], [B, P] -> [B, P, D]"""
    return states.gather(1, slots[:, :, None].expand(-1, -1, states.shape[2]))


@torch.no_grad()
def sample(log_probs: Tensor, uniforms: Tensor, temperature: float) -> Tensor:
    """Ids [B, P] drawn from [B, P, V] by inverting the cumulative distribution at `uniforms` [B, P]. No gradient."""
    scaled = log_probs if temperature == 1 else (log_probs / temperature).log_softmax(-1)
    cumulative = scaled.exp().cumsum(-1)
    thresholds = uniforms[:, :, None] * cumulative[:, :, -1:]
    ids = torch.searchsorted(cumulative, thresholds, right=True).squeeze(2)
    return ids.clamp(max=log_probs.shape[2] - 1)
