"""The work and the memory of Muon in an update of the weights, which are counted from the shapes of the matrices.

Letters: R rows, C columns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from configs.recipe import Recipe
from pretrain.model.arithmetic import FP32

# The number of Newton-Schulz iterations of Jordan et al. and of torch.optim.Muon.
ITERATIONS = 5


def num_weights(recipe: Recipe) -> int:
    """The number of weights that Muon updates. They have one moment, and all others have two."""
    return sum(rows * columns for (rows, columns), _ in _matrices(recipe))


def update_flops(recipe: Recipe) -> int:
    """The FLOPs of the Newton-Schulz iterations of one update, whatever the number of processes."""
    return sum(matrix_flops(*shape) for shape, _ in _matrices(recipe))


def matrix_flops(rows: int, columns: int) -> int:
    """The FLOPs of one matrix. An iteration has two products of [R, R] with [R, C], and a square of [R, R], R <= C."""
    short, long = sorted((rows, columns))
    return ITERATIONS * (4 * short**2 * long + 2 * short**3)


def update_bytes(recipe: Recipe, narrow: int, exchanged_bytes: int = 0) -> int:
    """The memory of temporary tensors in an update, with `narrow` bytes for a number in a matrix product.

    ZeRO's processes exchange `exchanged_bytes` for each weight of the group that is updated, which is query, key and
    value, or all other matrices. Matrices of equal shape are updated together. At most there are three copies of them
    with a square of each, or a copy with its result in fp32, which is copied once more if the matrices are tall.
    """
    return max(_group_bytes(recipe, narrow, exchanged_bytes, fused) for fused in (True, False))


def _group_bytes(recipe: Recipe, narrow: int, exchanged_bytes: int, fused: bool) -> int:
    shapes = Counter(shape for shape, is_fused in _matrices(recipe) if is_fused == fused)
    needed = [
        number * max(narrow * rows * (3 * columns + rows), (narrow + 2 * FP32) * rows * columns)
        for (rows, columns), number in ((sorted(shape), number) for shape, number in shapes.items())
    ]
    weights = sum(number * rows * columns for (rows, columns), number in shapes.items())
    return exchanged_bytes * weights + max(needed, default=0)


def _matrices(recipe: Recipe) -> Iterator[tuple[tuple[int, int], bool]]:
    """Yield the shape of every matrix that Muon updates, and whether it shares a parameter with others.

    A frozen generator has none.
    """
    if recipe.optimizer.matrices == "adam":
        return
    model = recipe.model
    for tower in [model.discriminator] + [model.generator] * (not recipe.generator_is_frozen):
        hidden, inner = tower.hidden, tower.intermediate
        for _ in range(tower.layers):
            yield from [((hidden, hidden), True)] * 3  # query, key and value
            yield from (((hidden, hidden), False), ((inner, hidden), False), ((hidden, inner), False))
