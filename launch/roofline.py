"""The shortest time that a GPU can take for a step, if its kernels run one after another and each at its limit.

The time of a kernel is the longer of two times: its FLOPs divided by the rate of matrix products, and its bytes divided
by the bandwidth of the memory (Williams, Waterman, Patterson 2009). We assume that element-wise work is fused into its
neighbours, that attention does not write its scores, that logits over the vocabulary are computed at slots only, and
that every row is filled by a single example. Kernel launches, communication between GPUs and all work of the host take
no time here, so real training is slower.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from configs.recipe import Recipe
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
    from pretrain.model.arithmetic import discriminator_operations, generator_operations, slot_operations

    length = recipe.data.row_length
    # The forward pass takes a third, and a frozen generator has no other.
    part = 1 / 3 if recipe.generator_is_frozen else 1.0
    slots = recipe.mean_slots / length
    shares = (
        (part, generator_operations(recipe)),
        (1.0, discriminator_operations(recipe)),
        (part * slots, slot_operations(recipe)),
    )
    for share, operations in shares:
        for operation in operations:
            # Both passes take three times the FLOPs of the forward pass.
            flops = 3 * share * (operation.flops + length * operation.flops_of_pair)
            for numbers in operation.moved:
                moved = share * (narrow * numbers + operation.moved_bytes / len(operation.moved))
                yield Kernel(flops / len(operation.moved), moved)
