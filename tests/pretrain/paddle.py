"""PaddleNLP's tiny pairs as ours: the fixtures' weights, batches, draws and recipes under our names."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from configs.load import load
from configs.recipe import Recipe
from pretrain.model.batch import Batch, borders_of
from pretrain.model.pair import ElectraPair
from pretrain.model.sampling import STEPS
from pretrain.released.paddle import tower_weights
from tests.pretrain.google import uniforms_for

Arrays = dict[str, NDArray[Any]]

GOLDEN = Path(__file__).parent.parent / "golden"
TOWERS = ("generator", "discriminator")
_WORDS = "electra.embeddings.word_embeddings.weight"


class Case:
    """A fixture: "electra" (RTD alone) or "ernie_health" (all four objectives, two views of three sentences)."""

    def __init__(self, name: str):
        self.arrays = dict(np.load(GOLDEN / f"pd_{name}_v24.npz"))
        self.facts: dict[str, Any] = json.loads((GOLDEN / f"pd_{name}_v24.json").read_text())
        self.complete = name == "ernie_health"

    def tensor(self, name: str) -> Tensor:
        return torch.from_numpy(self.arrays[name])

    def recipe(self, *overrides: str) -> Recipe:
        rows = 3 if self.complete else 4
        narrower = () if self.complete else ("objectives={mlm={weight=1.0}, rtd={weight=50.0}}", "batch.views=1")
        return load(
            "health",
            [
                "data.row_length=16",
                "vocabulary.size=200",
                "model.embedding=32",
                "model.max_positions=32",
                "model.dropout=0.0",
                "model.attention_dropout=0.0",
                "model.generator={layers=2, hidden=16, heads=4, intermediate=32}",
                "model.discriminator={layers=2, hidden=32, heads=4, intermediate=64}",
                "optimizer.epsilon=1e-6",
                "compute.precision=fp32",
                "compute.zero_stage=0",
                f"batch.rows={rows}",
                f"batch.micro_rows={rows}",
                f"batch.group_rows={rows}",
                *narrower,
                *overrides,
            ],
        )

    def pair(self, recipe: Recipe) -> ElectraPair:
        """Every weight comes from the fixture."""
        pair = ElectraPair(recipe)
        for parameter in pair.parameters():
            torch.nn.init.constant_(parameter, torch.nan)
        for tower in TOWERS:
            pair.load_tower(tower, tower_weights(self.under("param"), tower))
        assert not any(parameter.isnan().any() for parameter in pair.parameters())
        return pair

    def under(self, prefix: str) -> Arrays:
        """The arrays `prefix/...` by PaddleNLP's names; a tied one is stored under its generator's only."""
        state = {name.removeprefix(f"{prefix}/"): array for name, array in self.arrays.items()}
        state = {name: array for name, array in state.items() if name.startswith(TOWERS)}
        if f"generator.{_WORDS}" in state:
            state[f"discriminator.{_WORDS}"] = state[f"generator.{_WORDS}"]
        return state

    def batch(self) -> Batch:
        """The fixture's rows and masks; what is sampled and drawn is set by `with_draws`."""
        tokens, labels = self.tensor("in/raw_input_ids"), self.tensor("in/generator_labels")
        masked = labels != -100
        num_slots = int(masked.sum(1).max())
        slots = torch.zeros(len(tokens), num_slots, dtype=torch.long)
        filled = torch.arange(num_slots) < masked.sum(1, keepdim=True)
        slots[filled] = masked.nonzero()[:, 1]
        examples = (tokens != self.facts["special_ids"]["pad"]).long()
        return Batch(
            tokens=tokens,
            segments=torch.zeros_like(tokens),
            positions=torch.arange(tokens.shape[1]).expand_as(tokens),
            examples=examples,
            borders=torch.from_numpy(borders_of(examples.numpy())),
            slots=slots,
            filled=filled,
            shown=self.tensor("in/input_ids").gather(1, slots),
            uniforms=torch.full((*slots.shape, STEPS), 0.5),
            candidate_uniforms=torch.full((*slots.shape, 5, STEPS), 0.5),
        )

    @torch.no_grad()
    def with_draws(self, pair: ElectraPair, micro_batch: Batch) -> tuple[Batch, Tensor, Tensor]:
        """The batch with the uniforms at which the generator, as it is now, draws what PaddleNLP's rule draws.

        PaddleNLP takes the largest of log-probability and recorded Gumbel noise. Returns also these draws: the samples
        [B, P] and the candidates [B, P, 5].
        """
        noise = self.tensor("in/uniform_noise").double()  # [draws, B, L, V]
        log_probs = (
            pair(micro_batch, pair.counts([micro_batch])).forward.slot_log_probs[:, :, : noise.shape[3]].double()
        )
        index = micro_batch.slots[:, :, None].expand(-1, -1, noise.shape[3])
        gumbel = [-torch.log(-torch.log(draw.gather(1, index) + 1e-9) + 1e-9) for draw in noise]
        sampled = (log_probs + gumbel[0]).argmax(2)
        left, candidates = log_probs.scatter(2, micro_batch.targets[:, :, None], -torch.inf), []
        uniforms = []
        for noise_of_draw in gumbel[1:]:
            ids = (left + noise_of_draw).argmax(2)
            uniforms.append(uniforms_for(left, ids))
            left = left.scatter(2, ids[:, :, None], -torch.inf)
            candidates.append(ids)
        drawn = torch.stack(candidates, 2) if candidates else micro_batch.slots.new_empty(*micro_batch.slots.shape, 0)
        numbers = torch.stack(uniforms, 2) if uniforms else torch.empty(*drawn.shape, STEPS)
        batch = replace(micro_batch, uniforms=uniforms_for(log_probs, sampled), candidate_uniforms=numbers)
        return batch, sampled, drawn


def pair_names(arrays: Arrays) -> dict[str, Tensor]:
    """Arrays by PaddleNLP's names under the names of the pair's parameters."""
    generator, discriminator = (tower_weights(arrays, tower) for tower in TOWERS)
    own = {f"discriminator_{key}": value for key, value in discriminator.items() if key.startswith("embeddings.")}
    own.pop("discriminator_embeddings.word.weight", None)
    return own | generator | {key: value for key, value in discriminator.items() if not key.startswith("embeddings.")}
