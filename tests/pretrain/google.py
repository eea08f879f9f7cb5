"""Google's tiny model as ours: its fixture's weights, batch and recipe under our names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from configs.load import load
from configs.recipe import Recipe
from pretrain.batch import Batch
from pretrain.export.names import from_huggingface
from pretrain.pair import ElectraPair

GOLDEN = Path(__file__).parent.parent / "golden"
ARRAYS = dict(np.load(GOLDEN / "tf_tiny_projected.npz"))
FACTS: dict[str, Any] = json.loads((GOLDEN / "tf_tiny_projected.json").read_text())
MASK_ID = 4


def recipe(*overrides: str) -> Recipe:
    return load(
        "small",
        [
            "data.row_length=24",
            "vocabulary.size=200",
            "model.embedding=16",
            "model.max_positions=28",
            "model.dropout=0.0",
            "model.attention_dropout=0.0",
            "model.generator={layers=2, hidden=8, heads=1, intermediate=32}",
            "model.discriminator={layers=2, hidden=32, heads=4, intermediate=128}",
            "schedule.steps=10",
            "schedule.warmup_steps=3",
            "batch.rows=4",
            "batch.micro_rows=4",
            "compute.precision=fp32",
            *overrides,
        ],
    )


def weights(prefix: str) -> dict[str, Tensor]:
    """The pair's state from the fixture's arrays `prefix/...`; Google stores matrices as [in, out]."""
    found = {name.removeprefix(prefix + "/"): value for name, value in ARRAYS.items() if name.startswith(prefix + "/")}
    state: dict[str, Tensor] = {}
    for tower in ("generator", "discriminator"):
        theirs: dict[str, Tensor] = {}
        for name, value in found.items():
            if renamed := _huggingface_name(name, tower):
                transposed = value.T.copy() if name.endswith("kernel") else value
                theirs[renamed] = torch.from_numpy(np.ascontiguousarray(transposed))
        state |= from_huggingface(theirs, tower)
    return state


def _huggingface_name(name: str, tower: str) -> str | None:
    """As transformers' own converter of TensorFlow checkpoints renames; None for the other tower."""
    if name.startswith("electra/embeddings/"):
        pass
    elif tower == "generator" and name.startswith("generator/"):
        name = name.replace("generator/", "electra/", 1)
    elif name.startswith("electra/" if tower == "discriminator" else "generator_predictions/"):
        pass
    elif not (tower == "discriminator" and name.startswith("discriminator_predictions/")):
        return None
    renamed = name.replace("/", ".").replace("layer_", "layer.").replace("dense_1", "dense_prediction")
    renamed = renamed.replace("generator_predictions.output_bias", "generator_lm_head.bias")
    renamed = renamed.replace(".kernel", ".weight").replace(".gamma", ".weight").replace(".beta", ".bias")
    return renamed + ".weight" if renamed.endswith("_embeddings") else renamed


def pair(chosen: Recipe) -> ElectraPair:
    model = ElectraPair(chosen)
    model.load_state_dict(weights("init"))
    return model


def batch() -> Batch:
    """The fixture's rows, masks and draws. `uniforms` are set by `with_samples`."""
    tokens = _tensor("input_ids")
    slots = _tensor("masked_lm_positions")
    filled = _tensor("masked_lm_weights") > 0
    original = tokens.gather(1, slots)
    shown = torch.where((_tensor("mask_outcome") > 0) & filled, MASK_ID, original)
    return Batch(
        tokens=tokens,
        segments=_tensor("segment_ids"),
        positions=torch.arange(tokens.shape[1]).expand_as(tokens),
        examples=_tensor("input_mask"),
        slots=slots,
        filled=filled,
        shown=shown,
        uniforms=torch.full(slots.shape, 0.5),
        candidate_uniforms=torch.empty(*slots.shape, 0),
    )


@torch.no_grad()
def with_samples(model: ElectraPair, given: Batch) -> Batch:
    """The batch with the uniforms for which the generator, as it is now, replaces as Google's did.

    Where Google masks a position twice it writes the floor of the mean of the two sampled ids (electra issue 41), so
    the ids are taken from its corrupted row.
    """
    log_probs = model(given, model.counts([given])).forward.slot_log_probs.double()
    cumulative = log_probs.exp().cumsum(-1)
    sampled = _tensor("corrupted_ids").gather(1, given.slots)[:, :, None]
    upper = cumulative.gather(2, sampled).squeeze(2)
    below = upper - log_probs.exp().gather(2, sampled).squeeze(2)
    uniforms = ((upper + below) / 2 / cumulative[:, :, -1]).float()
    return Batch(**{**vars(given), "uniforms": uniforms})


def _tensor(name: str) -> Tensor:
    value = torch.from_numpy(ARRAYS[name])
    return value.long() if value.dtype == torch.int32 else value
