"""The number of FLOPs that the model needs, and the rate of this device to compare it with.

By convention, a step takes three times the FLOPs of the forward pass of both towers. Matrix products are counted,
attention is counted within examples only, and the products with the vocabulary are counted at the slots only. Look-ups,
recomputation and padding are not counted. The products with which Muon makes matrices orthogonal are counted once for a
step, for any number of processes. In full rows, ELECTRA-small takes 70.2 MFLOP per token at length 128 and 87.9
MFLOP per token at length 512. Utilisation is the rate of model FLOPs divided by the rate of matrix products that is
measured when the run starts.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

import torch

from configs.recipe import Recipe
from configs.training_tables import TowerTable
from pretrain.model.arithmetic import (
    Operation,
    discriminator_operations,
    generator_operations,
    slot_operations,
    tower_operations,
)
from pretrain.model.batch import Batch


@dataclass(frozen=True)
class Work:
    """The quantities that FLOPs depend on: tokens, slots, and the sum of the squared lengths of the examples.

    Of a row of a run whose masking rate falls, the number of slots is a mean.
    """

    tokens: int = 0
    slots: float = 0
    squares: int = 0

    def __add__(self, other: Work) -> Work:
        return Work(self.tokens + other.tokens, self.slots + other.slots, self.squares + other.squares)


def work_of(batches: list[Batch]) -> Work:
    total = Work()
    for batch in batches:
        rows = torch.arange(len(batch.examples))[:, None] * (batch.examples.shape[1] + 1)
        lengths = (rows + batch.examples)[batch.real].bincount()
        total += Work(int(batch.real.sum()), int(batch.filled.sum()), int(lengths.square().sum()))
    return total


def model_flops(recipe: Recipe, work: Work) -> float:
    detecting = _forward(discriminator_operations(recipe), work.tokens, work.squares)
    predicting = _forward(generator_operations(recipe), work.tokens, work.squares)
    predicting += _forward(slot_operations(recipe), work.slots)
    # A frozen generator has no backward pass.
    return 3 * detecting + (1 if recipe.generator_is_frozen else 3) * predicting


def forward_flops(tower: TowerTable, embedding: int, work: Work) -> float:
    """The FLOPs of the forward pass of one tower without its head."""
    row_length = 0  # It decides about the memory of the attention mask only.
    return _forward(tower_operations(tower, embedding, row_length), work.tokens, work.squares)


def _forward(operations: Iterable[Operation], number: float, pairs: int = 0) -> float:
    return sum(number * operation.flops + pairs * operation.flops_of_pair for operation in operations)


def matmul_rate(device: torch.device, dtype: torch.dtype) -> float:
    """FLOP per second of a square matrix product on this device: the median of five measurements."""
    size = 1024 if device.type == "cpu" else 8192
    left, right = torch.randn(2, size, size, device=device, dtype=dtype)
    seconds = []
    for _ in range(6):
        begin = time.perf_counter()
        torch.mm(left, right)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - begin)
    return 2 * size**3 / sorted(seconds[1:])[2]
