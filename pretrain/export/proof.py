"""Proof of an export: transformers' model gives the logits of ours, on inputs with two segments and padding."""

from __future__ import annotations

from pathlib import Path

import torch

from pretrain.model.pair import ElectraPair

_ROWS, _LENGTH = 4, 64


@torch.no_grad()
def largest_difference(pair: ElectraPair, folder: Path, part: str) -> float:
    """The largest absolute difference of logits at real tokens. Needs transformers."""
    from transformers import AutoModelForMaskedLM, AutoModelForPreTraining

    auto = {"discriminator": AutoModelForPreTraining, "generator": AutoModelForMaskedLM}[part]
    theirs = auto.from_pretrained(folder).eval()
    length = min(_LENGTH, pair.embeddings.position.num_embeddings)
    chooser = torch.Generator().manual_seed(0)
    tokens = torch.randint(pair.embeddings.word.num_embeddings, (_ROWS, length), generator=chooser)
    real = torch.arange(length) < torch.tensor([[length], [length // 2], [length - 3], [3]])
    segments = (torch.arange(length) > length // 4).long().expand(_ROWS, -1)
    output = theirs(input_ids=tokens, attention_mask=real.long(), token_type_ids=segments)
    ours = getattr(pair.eval(), f"{part}_logits")(tokens, segments, real)
    return float((output.logits - ours)[real].abs().max())
