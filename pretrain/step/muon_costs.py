"""The work and the memory of Muon in an update of the weights, which are counted from the shapes of the matrices.

Letters: R rows, C columns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from configs.recipe import Recipe
from pretrain.model.arithmetic import FP32

# The coefficients a, b, c of each iteration, which maps a singular value x to a x + b x^3 + c x^5. newton_schulz is
# that of Jordan et al. and of torch.optim.Muon.
_JORDAN = (3.4445, -4.7750, 2.0315)
# The beginning of the sequence of Amsel et al. 2025, "The Polar Express", arXiv 2505.16932, which is made for singular
# values of .001 to 1. Its polynomials grow fast beyond their intervals, and bf16 may round a value out of them, so the
# paper divides each input by 1.01 (section 3.4).
_AMSEL = [
    (8.28721201814563, -23.595886519098837, 17.300387312530933),
    (4.107059111542203, -2.9478499167379106, 0.5448431082926601),
    (3.9486908534822946, -2.908902115962949, 0.5518191394370137),
]
SAFETY = 1.01
POLYNOMIALS = {
    "newton_schulz": [_JORDAN] * 5,
    "polar_express": [(a / SAFETY, b / SAFETY**3, c / SAFETY**5) for a, b, c in _AMSEL],
}


def num_weights(recipe: Recipe) -> int:
    """The number of weights that Muon updates. They have one moment, and all others have two."""
    return sum(rows * columns for (rows, columns), _ in _matrices(recipe))


def update_flops(recipe: Recipe) -> int:
    """The FLOPs of the iterations of one update, whatever the number of processes."""
    iterations = len(POLYNOMIALS[recipe.optimizer.orthogonalization])
    return iterations * sum(iteration_flops(*shape) for shape, _ in _matrices(recipe))


def iteration_flops(rows: int, columns: int) -> int:
    """The FLOPs of an iteration: two products of [R, R] with [R, C], and a square of [R, R], R <= C."""
    short, long = sorted((rows, columns))
    return 4 * short**2 * long + 2 * short**3


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
