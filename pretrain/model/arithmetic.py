"""The arithmetic of the two networks, operation by operation.

`step/flops.py`, `step/memory.py` and `launch/roofline.py` all derive their numbers from this one description. It holds
for the objectives `mlm` and `rtd`; the heads of other objectives are small.

Letters: D hidden, I inner width, E embedding, V vocabulary, L row length.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from configs.recipe import Recipe
from configs.training_tables import TowerTable
from pretrain.model.sampling import BLOCK

# The bytes of a weight, a gradient or a moment, in whatever precision the matrix products run.
FP32 = 4


@dataclass(frozen=True)
class Operation:
    """A matrix product or an element-wise pass, for one token or one slot.

    A narrow number has the precision of the matrix products, and a wide number has 32 bits.
    """

    flops: int = 0  # of the forward pass
    flops_of_pair: int = 0  # of the forward pass, for each token that the token attends to
    moved: tuple[int, ...] = ()  # the narrow numbers that each kernel of both passes reads and writes
    moved_bytes: int = 0  # further bytes that these kernels read and write together
    narrow: int = 0  # the numbers that the forward pass saves for the backward pass
    wide: int = 0
    dropped: int = 0  # the bytes of the dropout mask that it saves, one for each number
    bytes: int = 0  # further bytes that it saves

    def saved(self, narrow_bytes: int, *, dropout: bool) -> int:
        """Return the bytes that the forward pass saves for the backward pass."""
        return narrow_bytes * self.narrow + FP32 * self.wide + self.bytes + dropout * self.dropped


def generator_operations(recipe: Recipe) -> Iterator[Operation]:
    """Yield the operations of the generator that are done for every token."""
    model = recipe.model
    yield from tower_operations(model.generator, model.embedding_of_generator, recipe.data.row_length)
    # The head of the generator takes the slots from its states, which are saved whole.
    yield Operation(wide=model.generator.hidden)


def discriminator_operations(recipe: Recipe) -> Iterator[Operation]:
    """Yield the operations of the discriminator, all of which are done for every token."""
    model = recipe.model
    yield from tower_operations(model.discriminator, model.embedding, recipe.data.row_length)
    yield from _detection(model.discriminator.hidden)


def tower_operations(tower: TowerTable, embedding: int, row_length: int) -> Iterator[Operation]:
    """Yield the operations of a network without its head, which are done for every token."""
    # The embeddings are looked up, added, normalized and dropped out. The id of the token, 8 bytes, is saved.
    yield Operation(moved=(6 * embedding,), wide=embedding + 2, dropped=embedding, bytes=8)
    if tower.hidden != embedding:
        yield _product(embedding, tower.hidden)
    for _ in range(tower.layers):
        yield from _layer(tower, row_length)


def slot_operations(recipe: Recipe) -> Iterator[Operation]:
    """Yield the operations of the generator's head, which are done for every slot."""
    hidden, vocabulary = recipe.model.generator.hidden, recipe.vocabulary.size
    embedding = recipe.model.embedding_of_generator
    yield _product(hidden, embedding)
    # Gelu and LayerNorm save their inputs, and LayerNorm also mean and deviation.
    yield Operation(narrow=2 * embedding, wide=2)
    yield _product(embedding, vocabulary)
    # The loss and the sampling pass over the logits twice in each direction.
    yield Operation(moved=(4 * vocabulary,), wide=num_logits(recipe))


def num_logits(recipe: Recipe) -> int:
    """Return the size of the vocabulary with its padding."""
    return recipe.vocabulary.size + -recipe.vocabulary.size % BLOCK


def _layer(tower: TowerTable, length: int) -> Iterator[Operation]:
    hidden, inner = tower.hidden, tower.intermediate
    yield _product(hidden, 3 * hidden)
    # Attention has two products of L x D forward and four backward. It reads or writes q, k, v and its result three
    # times in all. It saves q, k, v, the mask of the examples, which all heads share, and for each head the logarithm
    # of the softmax's sum.
    yield Operation(flops_of_pair=4 * hidden, moved=(12 * hidden,), narrow=3 * hidden + length, wide=tower.heads)
    yield _product(hidden, hidden)
    yield _normalization(hidden)
    # The inner product writes its result both before and after the gelu, and its gradient reads the result before it.
    yield _product(hidden, inner, fused=inner)
    yield Operation(narrow=inner)
    yield _product(inner, hidden)
    yield _normalization(hidden)


def _detection(hidden: int) -> Iterator[Operation]:
    yield _product(hidden, hidden)
    yield Operation(narrow=hidden)  # the input of the gelu
    yield _product(hidden, 1)
    yield Operation(wide=2, bytes=1)  # the loss


def _product(inputs: int, outputs: int, fused: int = 0) -> Operation:
    """A linear layer has three products: the output, the gradient of the input, and the gradient of the weight.

    Reading the weights is not counted, because it is done once for very many tokens. An element-wise pass that is fused
    into the first two products moves `fused` further numbers in each of them.
    """
    numbers = inputs + outputs
    return Operation(flops=2 * inputs * outputs, moved=(numbers + fused, numbers + fused, numbers), narrow=inputs)


def _normalization(hidden: int) -> Operation:
    """Residual, dropout and LayerNorm, which saves its input, mean and deviation in fp32."""
    return Operation(moved=(7 * hidden,), moved_bytes=hidden, wide=hidden + 2, dropped=hidden)
