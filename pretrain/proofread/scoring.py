"""The suspicion of a discriminator for every token of a text.

Letters: B windows, L their length.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit

from pretrain.proofread.model import Proofreader
from pretrain.proofread.windows import Window, windows

# The number of tokens that are computed at once. A base model on a CPU needs about a gigabyte for them.
TOKENS_AT_ONCE = 4096


@torch.no_grad()
def suspicion(reader: Proofreader, ids: Sequence[int]) -> NDArray[np.float64]:
    """Return for each token the probability that it was replaced, by the discriminator that the model must have."""
    assert reader.discriminator is not None
    if not ids:
        return np.empty(0)
    cuts = windows(len(ids), reader.length - 2)
    at_once = max(1, TOKENS_AT_ONCE // reader.length)
    parts = []
    for start in range(0, len(cuts), at_once):
        few = cuts[start : start + at_once]
        rows = torch.tensor([row_of(reader, ids, window) for window in few])  # [B, L]
        logits = reader.discriminator.discriminator_logits(rows, torch.zeros_like(rows), torch.ones_like(rows).bool())
        # The first score of a row is that of [CLS].
        parts += [
            row[1 + cut.first - cut.start : 1 + cut.last - cut.start]
            for row, cut in zip(logits.double().numpy(), few, strict=True)
        ]
    return expit(np.concatenate(parts))


def row_of(reader: Proofreader, ids: Sequence[int], window: Window) -> list[int]:
    """Put [CLS] and [SEP] around the tokens of a window."""
    return [reader.id_of("cls"), *ids[window.start : window.end], reader.id_of("sep")]
