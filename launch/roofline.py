"""The shortest time that a GPU can take for a step, if its kernels run one after another and each at its limit.

The time of a kernel is the longer of two times: its FLOPs divided by the rate of matrix products, and its bytes divided
by the bandwidth of the memory (Williams, Waterman, Patterson 2009). We assume that element-wise work is fused into its
neighbours, that attention does not write its scores, that logits over the vocabulary are computed at slots only, and
that every row is filled by a single example. Kernel launches, communication between GPUs and all work of the host take
no time here, so real training is slower.

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
    """The work of a kernel for one token: floating-point operations, and bytes read and written."""

    flops: float
    bytes: float

    def seconds(self, gpu: Gpu, narrow: int) -> float:
        return max(self.flops / gpu.flops(narrow), self.bytes / gpu.bytes_per_second)


def seconds_per_token(recipe: Recipe, gpu: Gpu, narrow: int) -> float:
    """Estimate the time of forward and backward pass. `narrow` is the bytes of a number in a matrix product."""
    return sum(kernel.seconds(gpu, narrow) for kernel in _kernels(recipe, narrow))


def update_seconds(parameters: int, gpu: Gpu) -> float:
    """Estimate the time of clipping and Adam, which move 34 bytes for each parameter.

    The gradient is read twice, the weight and two moments are read and written, and the weight is written once more in
    the precision of the matrix products.
    """
    return 34 * parameters / gpu.bytes_per_second


def _kernels(recipe: Recipe, narrow: int) -> Iterator[Kernel]:
    model, length = recipe.model, recipe.data.row_length
    slots = recipe.masking.slots(length) / length
    for tower in (model.generator, model.discriminator):
        # The embeddings are looked up, added, normalized and dropped out. This kernel counts their bytes, both passes.
        yield Kernel(0, 6 * narrow * model.embedding)
        if tower.hidden != model.embedding:
            yield from _product(model.embedding, tower.hidden, narrow)
        for _ in range(tower.layers):
            yield from _layer(tower, length, narrow)
    yield from _product(model.generator.hidden, model.embedding, narrow, slots)
    yield from _product(model.embedding, recipe.vocabulary.size, narrow, slots)
    # The loss and the sampling pass over the logits twice in each direction.
    yield Kernel(0, 4 * narrow * recipe.vocabulary.size * slots)
    yield from _product(model.discriminator.hidden, model.discriminator.hidden, narrow)
    yield from _product(model.discriminator.hidden, 1, narrow)


def _layer(tower: TowerTable, length: int, narrow: int) -> Iterator[Kernel]:
    hidden, inner = tower.hidden, tower.intermediate
    yield from _product(hidden, 3 * hidden, narrow)
    # Attention has two products of L x D forward and four backward. It reads or writes q, k, v and its result three
    # times in all.
    yield Kernel(12 * length * hidden, 12 * narrow * hidden)
    yield from _product(hidden, hidden, narrow)
    # A layer has residual, dropout and LayerNorm twice. Each time they move seven numbers and the bits of dropout.
    yield Kernel(0, 2 * (7 * narrow + 1) * hidden)
    # The inner product writes its result both before and after the gelu, and its gradient reads the result before it.
    one, extra = 2 * hidden * inner, narrow * (hidden + 2 * inner)
    yield from (Kernel(one, extra), Kernel(one, extra))
    yield from 4 * [Kernel(one, narrow * (hidden + inner))]


def _product(inputs: int, outputs: int, narrow: int, share: float = 1) -> Iterator[Kernel]:
    """Yield the three products of a linear layer, for a share of the tokens.

    They compute the output, the gradient of the input, and the gradient of the weight. Reading the weights is not
    counted, because it is done once for very many tokens.
    """
    yield from 3 * [Kernel(share * 2 * inputs * outputs, share * narrow * (inputs + outputs))]
