"""Generator and discriminator, which are trained jointly: the figure of the ELECTRA paper as one forward pass.

Letters: B rows, L row length, P slots, D hidden, E embedding, V vocabulary, K candidates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from configs.common.errors import UserError
from configs.recipe import Recipe
from pretrain.model import attention, objectives
from pretrain.model.batch import Batch
from pretrain.model.embeddings import SHARING, Embeddings, Separate, Tables
from pretrain.model.encoder import Encoder, initialize
from pretrain.model.likelihood import log_likelihoods
from pretrain.model.objectives import Forward, ObjectiveModule, mlm, rtd, take
from pretrain.model.sampling import sample, sample_others

Counts = dict[str, float]


@dataclass(frozen=True)
class PairOutput:
    loss: Tensor  # the weighted sum of the objectives, a scalar
    sums: dict[str, Tensor]  # each objective's loss, not yet divided by its count
    forward: Forward


class ElectraPair(nn.Module):
    """The generator, the discriminator and the objectives of a recipe.

    Raises UserError if an objective is unknown or does not fit the recipe.
    """

    def __init__(self, recipe: Recipe):
        super().__init__()
        if "mlm" not in recipe.objectives:
            raise UserError(f"{recipe.name}: objectives.mlm: missing; the generator is trained with it")
        self.embeddings = Embeddings(recipe.model, recipe.vocabulary.size)
        self.discriminator_embeddings = SHARING[recipe.model.shared_embeddings](recipe.model, recipe.vocabulary.size)
        self.generator = Encoder(recipe.model.generator, recipe.model, recipe.model.embedding_of_generator)
        self.discriminator = Encoder(recipe.model.discriminator, recipe.model, recipe.model.embedding)
        self.objectives = objectives.build(recipe)
        self.temperature = recipe.corruption.temperature
        initialize(self, recipe.model)
        for _, objective in self.named_objectives():
            objective.initialize()
        self.generator_is_frozen = recipe.generator_is_frozen
        if self.generator_is_frozen:
            for part in (self.embeddings, self.generator, self.prediction):
                part.requires_grad_(False)

    def train(self, mode: bool = True) -> ElectraPair:
        """Switch dropout on or off. A frozen generator has none."""
        super().train(mode)
        if self.generator_is_frozen:
            self.generator.eval()
        return self

    @property
    def prefixes_of_generator(self) -> tuple[str, ...]:
        """The beginnings of the names of the parameters that belong to the generator alone."""
        alone = ("generator.", "objectives.mlm.")
        return (*alone, "embeddings.") if isinstance(self.discriminator_embeddings, Separate) else alone

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
        """The number by which the loss of each objective is divided, counted over these batches."""
        return {
            name: float(sum(objective.count(batch) for batch in batches)) for name, objective in self.named_objectives()
        }

    def forward(self, batch: Batch, counts: Counts, temperature: float | None = None) -> PairOutput:
        """One forward pass. `counts` covers the whole step: all of its micro-batches, on all processes.

        `temperature` is that of the step, or by default the one with which the recipe ends.
        """
        temperature = self.temperature if temperature is None else temperature
        bounds = attention.bounds(batch.examples, batch.borders)
        tables = self.embeddings.tables()

        generator_states = self.generator(self._embed(tables, batch.masked_tokens, batch), bounds)  # [B, L, D]
        slot_states = take(generator_states, batch.slots)  # [B, P, D]
        logits = self.prediction.logits(slot_states, tables["word.weight"])  # [B, P, V and padding]
        log_probs = logits.detach().float().log_softmax(-1)

        likelihoods = log_likelihoods(logits, log_probs, batch.targets)  # [B, P]
        sampled = sample(log_probs, batch.uniforms, temperature)  # [B, P]
        candidates = sample_others(log_probs, batch.targets, batch.candidate_uniforms, temperature)  # [B, P, K]
        replacements = torch.where(batch.filled, sampled, batch.targets)
        corrupted = batch.tokens.scatter(1, batch.slots, replacements)  # [B, L]

        tables = self.discriminator_embeddings.tables(tables)
        states = self.discriminator(self._embed(tables, corrupted, batch), bounds)  # [B, L, D]
        replaced = corrupted != batch.tokens
        forward = Forward(batch, log_probs, likelihoods, sampled, candidates, replaced, states, tables["word.weight"])

        sums = {name: objective(forward) for name, objective in self.named_objectives()}
        terms = [module.weight * sums[name] / max(1.0, counts[name]) for name, module in self.named_objectives()]
        return PairOutput(torch.stack(terms).sum(), {name: value.detach() for name, value in sums.items()}, forward)

    def _embed(self, tables: Tables, tokens: Tensor, batch: Batch) -> Tensor:
        return self.embeddings(tables, tokens, batch.positions, batch.segments)

    def tables(self, tower: str) -> Tables:
        """The embedding tables of a tower, "generator" or "discriminator"."""
        generator = self.embeddings.tables()
        return generator if tower == "generator" else self.discriminator_embeddings.tables(generator)

    def generator_states(self, tokens: Tensor, segments: Tensor, real: Tensor) -> Tensor:
        """[B, L] each, with one example in each row -> [B, L, D].

        This method is for the use of a trained pair. Training uses `forward`.
        """
        return self._states("generator", tokens, segments, real)

    def discriminator_states(self, tokens: Tensor, segments: Tensor, real: Tensor) -> Tensor:
        """[B, L] each, with one example in each row -> [B, L, D]"""
        return self._states("discriminator", tokens, segments, real)

    def generator_logits(self, tokens: Tensor, segments: Tensor, real: Tensor) -> Tensor:
        """[B, L] each, with one example in each row -> [B, L, V]"""
        states, table = self.generator_states(tokens, segments, real), self.embeddings.word.weight
        return self.prediction.logits(states, table)[:, :, : len(table)]

    def discriminator_logits(self, tokens: Tensor, segments: Tensor, real: Tensor) -> Tensor:
        """[B, L] each, with one example in each row -> [B, L]. A positive logit means "replaced"."""
        assert self.detection is not None, "only a pair trained with [objectives.rtd] detects"
        return self.detection.logits(self.discriminator_states(tokens, segments, real))

    def _states(self, tower: str, tokens: Tensor, segments: Tensor, real: Tensor) -> Tensor:
        positions = torch.arange(tokens.shape[1], device=tokens.device).expand_as(tokens)
        embedded = self.embeddings(self.tables(tower), tokens, positions, segments)
        return getattr(self, tower)(embedded, attention.bounds(real.long()))

    def tower(self, name: str) -> dict[str, Tensor]:
        """The weights of one tower, "generator" or "discriminator": its embeddings, its layers, and all heads."""
        own = {key: value for key, value in self.state_dict().items() if key.startswith((f"{name}.", "objectives."))}
        return own | {f"embeddings.{key}": value.detach() for key, value in self.tables(name).items()}

    def load_tower(self, name: str, weights: dict[str, Tensor]) -> None:
        """Load the weights of one tower with its embeddings. Embeddings that the towers share change for both of them.

        Load the generator first: disentangled embeddings are stored as differences from the generator's.
        """
        embeddings = {key: value for key, value in weights.items() if key.startswith("embeddings.")}
        tables = {key.removeprefix("embeddings."): value for key, value in embeddings.items()}
        if name == "generator":
            self.embeddings.load_state_dict(tables)
        else:
            self.discriminator_embeddings.load(tables, self.embeddings)
        own = {key: value for key, value in weights.items() if key not in embeddings}
        unexpected = self.load_state_dict(own, strict=False).unexpected_keys
        assert not unexpected, f"no such weights: {unexpected}"
