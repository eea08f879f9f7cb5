"""Generator and discriminator, trained jointly: the figure of the ELECTRA paper as one forward pass.

Letters: B rows, L row length, P slots, D hidden, E embedding, V vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from configs.errors import UserError
from configs.recipe import Recipe
from pretrain import attention, objectives
from pretrain.batch import Batch
from pretrain.model import Embeddings, Encoder, initialize
from pretrain.objectives import Forward, ObjectiveModule, mlm, rtd

Counts = dict[str, float]


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
        for _, objective in self.named_objectives():
            objective.initialize()

    def named_objectives(self) -> list[tuple[str, ObjectiveModule]]:
        return [(name, cast(ObjectiveModule, module)) for name, module in self.objectives.items()]

    @property
    def prediction(self) -> mlm.Objective:
        """The generator's head, which every recipe has."""
        return cast(mlm.Objective, self.objectives["mlm"])

    @property
    def detection(self) -> rtd.Objective | None:
        """The discriminator's head for replaced tokens, where the recipe has that objective."""
        return cast(rtd.Objective, self.objectives["rtd"]) if "rtd" in self.objectives else None

    def counts(self, batches: list[Batch]) -> Counts:
        """By how much each objective's sum is to be divided: its predictions in these batches."""
        return {
            name: float(sum(objective.count(batch) for batch in batches)) for name, objective in self.named_objectives()
        }

    def forward(self, batch: Batch, counts: Counts) -> Output:
        """`counts` are those of the whole step, over all micro-batches and processes."""
        bounds = attention.bounds(batch.examples)

        generator_states = self.generator(self._embed(batch.masked_tokens, batch), bounds)  # [B, L, D]
        slot_states = _take(generator_states, batch.slots)  # [B, P, D]
        logits = self.prediction.logits(slot_states, self.embeddings.word.weight)  # [B, P, V]
        log_probs = logits.float().log_softmax(-1)

        sampled = sample(log_probs, batch.uniforms, self.temperature)  # [B, P]
        replacements = torch.where(batch.filled, sampled, batch.targets)
        corrupted = batch.tokens.scatter(1, batch.slots, replacements)  # [B, L]

        states = self.discriminator(self._embed(corrupted, batch), bounds)  # [B, L, D]
        forward = Forward(batch, log_probs, sampled, corrupted != batch.tokens, states)

        sums = {name: objective(forward) for name, objective in self.named_objectives()}
        terms = [module.weight * sums[name] / max(1.0, counts[name]) for name, module in self.named_objectives()]
        return Output(torch.stack(terms).sum(), {name: value.detach() for name, value in sums.items()}, forward)

    def _embed(self, tokens: Tensor, batch: Batch) -> Tensor:
        return self.embeddings(tokens, batch.positions, batch.segments)

    def generator_logits(self, tokens: Tensor, segments: Tensor, real: Tensor) -> Tensor:
        """[B, L] each, one example in a row -> [B, L, V]. For looking at a trained pair; training uses `forward`."""
        states = self._states(self.generator, tokens, segments, real)
        return self.prediction.logits(states, self.embeddings.word.weight)

    def discriminator_logits(self, tokens: Tensor, segments: Tensor, real: Tensor) -> Tensor:
        """[B, L] each, one example in a row -> [B, L], positive where a replacement is suspected."""
        assert self.detection is not None, "only a pair trained with [objectives.rtd] detects"
        return self.detection.logits(self._states(self.discriminator, tokens, segments, real))

    def _states(self, tower: Encoder, tokens: Tensor, segments: Tensor, real: Tensor) -> Tensor:
        positions = torch.arange(tokens.shape[1], device=tokens.device).expand_as(tokens)
        return tower(self.embeddings(tokens, positions, segments), attention.bounds(real.long()))


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
