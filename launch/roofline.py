"""The shortest time that a GPU can take for a step: every kernel at the faster of its two limits, one after another.

The time of a kernel is the longer one of its FLOPs at the rate of matrix products and its bytes at the bandwidth of
the memory (Williams, Waterman, Patterson 2009). Element-wise work is taken to be fused into its neighbours, attention
not to write its scores, the vocabulary to be seen at slots only, and rows to be full of one example each. Launches,
communication between GPUs and everything that a host does take no time here; real training is slower.

Letters: D hidden, I inner width, E embedding, V vocabulary, L row length.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from configs.recipe import Recipe
from configs.training_tables import TowerTable
from launch.gpus import Gpu


@dataclass(frozen=True)
class Kernel:
    """What a kernel does for one token."""

    flops: float
    bytes: float

    def seconds(self, gpu: Gpu, narrow: int) -> float:
        return max(self.flops / gpu.flops(narrow), self.bytes / gpu.bytes_per_second)


def seconds_per_token(recipe: Recipe, gpu: Gpu, narrow: int) -> float:
    """Of forward and backward pass; `narrow` is the width of what matrix products take, in bytes."""
    return sum(kernel.seconds(gpu, narrow) for kernel in _kernels(recipe, narrow))


def update_seconds(parameters: int, gpu: Gpu) -> float:
    """Of clipping and Adam, 34 bytes a parameter: the gradient is read twice, weight and two moments are read and
    written, and the weight is written once more as the products take it.
    """
    return 34 * parameters / gpu.bytes_per_second


def _kernels(recipe: Recipe, narrow: int) -> Iterator[Kernel]:
    model, length = recipe.model, recipe.data.row_length
    slots = recipe.masking.slots(length) / length
    for tower in (model.generator, model.discriminator):
        # What looking up, adding, normalizing and dropping out read and write, forward and backward.
        yield Kernel(0, 6 * narrow * model.embedding)
        if tower.hidden != model.embedding:
            yield from _product(model.embedding, tower.hidden, narrow)
        for _ in range(tower.layers):
            yield from _layer(tower, length, narrow)
    yield from _product(model.generator.hidden, model.embedding, narrow, slots)
    yield from _product(model.embedding, recipe.vocabulary.size, narrow, slots)
    # Loss and sample pass over the logits twice in each direction.
    yield Kernel(0, 4 * narrow * recipe.vocabulary.size * slots)
    yield from _product(model.discriminator.hidden, model.discriminator.hidden, narrow)
    yield from _product(model.discriminator.hidden, 1, narrow)


def _layer(tower: TowerTable, length: int, narrow: int) -> Iterator[Kernel]:
    hidden, inner = tower.hidden, tower.intermediate
    yield from _product(hidden, 3 * hidden, narrow)
    # Two products of L x D forward and four backward; q, k, v and the result are read or written three times in all.
    yield Kernel(12 * length * hidden, 12 * narrow * hidden)
    yield from _product(hidden, hidden, narrow)
    # Residual, dropout and LayerNorm, twice: seven numbers each, and the bits of dropout.
    yield Kernel(0, 2 * (7 * narrow + 1) * hidden)
    # The inner product writes its result before and behind the gelu, and its gradient reads the former.
    one, extra = 2 * hidden * inner, narrow * (hidden + 2 * inner)
    yield from (Kernel(one, extra), Kernel(one, extra))
    yield from 4 * [Kernel(one, narrow * (hidden + inner))]


def _product(inputs: int, outputs: int, narrow: int, share: float = 1) -> Iterator[Kernel]:
    """Forward, the gradient of the input, and that of the weight, for a share of the tokens.

    Weights are read once for very many tokens, which costs nothing for one.
    """
    yield from 3 * [Kernel(share * 2 * inputs * outputs, share * narrow * (inputs + outputs))]
