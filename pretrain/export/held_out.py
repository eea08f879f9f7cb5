"""What a network is worth on held-out examples, to compare it before and after quantization.

A generator predicts masked tokens, a discriminator tells which tokens were replaced, and an encoder gives hidden
states. Every example has a row of its own with padding, as in use.

Letters: B examples, L their length, N chosen tokens, D hidden, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from configs.common.errors import UserError
from data_prep.shards import Corpus, Planes
from pretrain.export.examples import Examples, examples_at, lay_out, places_of
from pretrain.export.proof import Outputs
from pretrain.export.source import Source
from pretrain.step.loader import held_out_numbers
from pretrain.watch.placements import area

# About 2,400 of these tokens are masked. If two networks disagree in 2 % of them, their accuracies differ by chance by
# 0.3 points.
_MOST_TOKENS = 16_384
# The number of tokens that are computed at once. The logits of a generator take 4 V bytes for each of them.
_TOKENS_AT_ONCE = 1024


@dataclass(frozen=True)
class HeldOut:
    """Held-out examples, and two ways to test a network with them."""

    examples: Examples
    masked: Tensor  # [B, L] bool, the masking of epoch 0
    hidden: Examples  # with [MASK] for every masked token
    replaced: Examples  # with another token for the masked tokens, where the generator's sample is another
    replacements: str  # where the replacements come from, for people


def held_out(source: Source, corpus: Corpus) -> HeldOut:
    """Read held-out rows of the corpus. Raises UserError if there are none."""
    length = min(corpus.data.row_length, *(network.shape["max_positions"] for network in source.networks.values()))
    num_rows = min(corpus.num_rows("validation"), max(1, _MOST_TOKENS // corpus.data.row_length))
    if not num_rows:
        raise UserError(
            f"{corpus.folder}: holds no held-out rows, and --quantize measures its cost on them; name another corpus "
            "with --corpus, prepared with a higher data.validation_share"
        )
    numbers = np.sort(held_out_numbers(corpus, num_rows, corpus.manifest.seed))
    rows, masks = corpus.read_masked("validation", numbers, np.zeros_like(numbers))
    planes = Planes.of(rows, corpus.special)
    places = places_of(planes)
    examples = examples_at(planes, places, length, corpus.special.pad, f"{num_rows} held-out rows of the corpus")
    masked = torch.from_numpy(lay_out(masks, places, length))
    hidden = replace(examples, tokens=examples.tokens.masked_fill(masked, corpus.special.mask))
    samples, origin = _samples(source, hidden, masked)
    replaced = replace(examples, tokens=examples.tokens.masked_scatter(masked, samples))
    return HeldOut(examples, masked, hidden, replaced, origin)


def _samples(source: Source, hidden: Examples, masked: Tensor) -> tuple[Tensor, str]:
    """Draw a token for each masked one, [N], and say from what. The draws are always the same."""
    draw = torch.Generator().manual_seed(0)
    if "generator" not in source.networks:
        vocabulary = source.networks["discriminator"].shape["vocabulary"]
        return torch.randint(vocabulary, (int(masked.sum()),), generator=draw), "random tokens"
    outputs = partial(source.outputs, "generator", states=False)
    drawn = [logits.softmax(-1).multinomial(1, generator=draw)[:, 0] for logits in at(outputs, hidden, masked)]
    return torch.cat(drawn), "samples of its generator"


def at(outputs: Outputs, examples: Examples, chosen: Tensor) -> Iterator[Tensor]:
    """Yield the outputs [N, ...] at the chosen tokens, a few examples at a time. `chosen` is [B, L] bool."""
    size = max(1, _TOKENS_AT_ONCE // examples.tokens.shape[1])
    for start in range(0, len(examples.tokens), size):
        few = slice(start, start + size)
        longest = int(examples.real[few].sum(1).max())
        inputs = (tensor[few, :longest] for tensor in (examples.tokens, examples.segments, examples.real))
        yield outputs(*inputs)[chosen[few, :longest]]


def masked_accuracy(outputs: Outputs, test: HeldOut) -> float:
    """The share of masked tokens that a generator predicts."""
    predicted = torch.cat([logits.argmax(-1) for logits in at(outputs, test.hidden, test.masked)])
    return float((predicted == test.examples.tokens[test.masked]).double().mean())


def detection_auc(outputs: Outputs, test: HeldOut) -> float:
    """The chance that a replaced token has a higher logit than an original one; equal logits count a half."""
    real = test.examples.real
    replaced = (test.replaced.tokens != test.examples.tokens)[real].numpy()
    values, bins = np.unique(torch.cat([*at(outputs, test.replaced, real)]).numpy(), return_inverse=True)
    original, other = (np.bincount(bins[kind], minlength=len(values)) for kind in (~replaced, replaced))
    return area(original, other)


def mean_cosine(first: Outputs, second: Outputs, test: HeldOut) -> float:
    """The mean cosine between the hidden states that two encoders give for a token."""
    pairs = zip(*(at(outputs, test.examples, test.examples.real) for outputs in (first, second)), strict=True)
    return float(torch.cat([cosine_similarity(*pair) for pair in pairs]).double().mean())
