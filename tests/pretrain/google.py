"""Google's tiny model as ours: its fixture's weights, batch and recipe under our names."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from configs.load import load
from configs.recipe import Recipe
from pretrain.model.batch import Batch, borders_of
from pretrain.model.pair import ElectraPair
from pretrain.model.sampling import BLOCK, STEPS
from pretrain.released.google import tower_weights

GOLDEN = Path(__file__).parent.parent / "golden"
MASK_ID = 4


class Case:
    """A fixture of one pretraining step; its shape and its recipe are read from its facts."""

    def __init__(self, name: str):
        self.arrays = dict(np.load(GOLDEN / f"{name}.npz"))
        self.facts: dict[str, Any] = json.loads((GOLDEN / f"{name}.json").read_text())

    def tensor(self, name: str) -> Tensor:
        value = torch.from_numpy(self.arrays[name])
        return value.long() if value.dtype == torch.int32 else value

    def recipe(self, *overrides: str) -> Recipe:
        hparams, optimizer = self.facts["pretraining_hparams"], self.facts["optimizer"]
        towers = {part: self.facts[f"bert_config_{part}"] for part in ("generator", "discriminator")}
        rows = hparams["train_batch_size"]
        return load(
            "small",
            [
                f"data.row_length={hparams['max_seq_length']}",
                f"vocabulary.size={hparams['vocab_size']}",
                f"masking.rate={hparams['mask_prob']}",
                f"model.embedding={hparams['embedding_size']}",
                f"model.max_positions={towers['discriminator']['max_position_embeddings']}",
                "model.dropout=0.0",
                "model.attention_dropout=0.0",
                *(f"model.{part}={_tower(config)}" for part, config in towers.items()),
                f"objectives.mlm.weight={hparams['gen_weight']}",
                f"objectives.rtd.weight={hparams['disc_weight']}",
                f"optimizer.learning_rate={optimizer['learning_rate']}",
                f"schedule.steps={optimizer['num_train_steps']}",
                f"schedule.warmup_steps={optimizer['num_warmup_steps']}",
                f"batch.rows={rows}",
                f"batch.micro_rows={rows}",
                "compute.precision=fp32",
                *overrides,
            ],
        )

    def weights(self, prefix: str) -> dict[str, Tensor]:
        """The pair's state from the arrays `prefix/...`; Google stores matrices as [in, out]."""
        prefixed = {
            name.removeprefix(f"{prefix}/"): value
            for name, value in self.arrays.items()
            if name.startswith(f"{prefix}/")
        }
        state: dict[str, Tensor] = {}
        for part in ("generator", "discriminator"):
            state |= tower_weights(prefixed, part)
        return state

    def pair(self, chosen: Recipe) -> ElectraPair:
        model = ElectraPair(chosen)
        model.load_state_dict(self.weights("init"))
        return model

    def batch(self) -> Batch:
        """The fixture's rows, masks and draws. `uniforms` are set by `with_samples`."""
        tokens = self.tensor("input_ids")
        slots = self.tensor("masked_lm_positions")
        filled = self.tensor("masked_lm_weights") > 0
        original = tokens.gather(1, slots)
        shown = torch.where((self.tensor("mask_outcome") > 0) & filled, MASK_ID, original)
        return Batch(
            tokens=tokens,
            segments=self.tensor("segment_ids"),
            positions=torch.arange(tokens.shape[1]).expand_as(tokens),
            examples=self.tensor("input_mask"),
            borders=torch.from_numpy(borders_of(self.tensor("input_mask").numpy())),
            slots=slots,
            filled=filled,
            shown=shown,
            uniforms=torch.full((*slots.shape, STEPS), 0.5),
            candidate_uniforms=torch.empty(*slots.shape, 0, STEPS),
        )

    @torch.no_grad()
    def with_samples(self, model: ElectraPair, micro_batch: Batch) -> Batch:
        """The batch with the uniforms for which the generator, as it is now, replaces as Google's did.

        Where Google masks a position twice it writes the floor of the mean of the two sampled ids (electra issue 41),
        so the ids are taken from its corrupted row.
        """
        log_probs = model(micro_batch, model.counts([micro_batch])).forward.slot_log_probs.double()
        return replace(
            micro_batch, uniforms=uniforms_for(log_probs, self.tensor("corrupted_ids").gather(1, micro_batch.slots))
        )


def uniforms_for(log_probs: Tensor, ids: Tensor) -> Tensor:
    """The middles of the intervals at which `sampling.sample` gives `ids` [B, P] from [B, P, V]: [B, P, 2]."""
    blocks = F.pad(log_probs.softmax(2), (0, -log_probs.shape[2] % BLOCK)).unflatten(2, (-1, BLOCK))
    block, inside = ids // BLOCK, ids % BLOCK
    own = blocks.gather(2, block[:, :, None, None].expand(-1, -1, 1, BLOCK)).squeeze(2)
    return torch.stack([_middle(blocks.sum(3), block), _middle(own, inside)], 2).float()


def _middle(weights: Tensor, index: Tensor) -> Tensor:
    upper = weights.cumsum(2).gather(2, index[:, :, None]).squeeze(2)
    return (upper - weights.gather(2, index[:, :, None]).squeeze(2) / 2) / weights.sum(2)


def _tower(config: dict[str, int]) -> str:
    return (
        f"{{layers={config['num_hidden_layers']}, hidden={config['hidden_size']}, "
        f"heads={config['num_attention_heads']}, intermediate={config['intermediate_size']}}}"
    )


CASES = {path.stem: Case(path.stem) for path in sorted(GOLDEN.glob("tf_tiny_*.json"))}
PROJECTED = CASES["tf_tiny_projected"]
