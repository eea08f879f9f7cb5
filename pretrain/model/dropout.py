"""Dropout: torch's own on a GPU, and on a CPU the same distribution from random bits that take less time to make.

On a CPU, torch draws random bits one after the other, on one thread. This takes 6 to 10 ns for each element, a fifth of
a training step on two threads (benchmarks/train_step.py). Here each element gets 16 bits of a hash of its place, as on
a GPU: torch's generator gives a random number to every row and to every column of a call, and the hash mixes the sum of
the two. This takes ten passes of vector instructions over two bytes for each element. It uses all threads, and the bits
are the same on any number of threads.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

# The steps of a hash that maps 32 bits one-to-one to 32 bits: lowbias32 of Chris Wellons's Hash Prospector. Every bit
# of the input flips every bit of the output in half of the cases. A step is a shift to the right, and a factor that is
# written as an int32.
_STEPS = ((16, 0x7FEB352D), (15, 0x846CA68B - 2**32), (16, 1))
# The rate of dropout is rounded to a multiple of 1 / _PARTS, so it differs by at most 2**-17 from the rate asked for.
_PARTS = 2**16
# The hash is computed on a table with this many columns and as many rows as the elements need.
_COLUMNS = 1024
# The integers that are as wide as a floating-point number, by its bytes.
_INTEGERS = {2: torch.int16, 4: torch.int32, 8: torch.int64}


class Dropout(nn.Dropout):
    def forward(self, input: Tensor) -> Tensor:
        return self._masked(input) * scale(self.p) if self._draws(input) else super().forward(input)

    def add(self, states: Tensor, update: Tensor) -> Tensor:
        """states + dropout(update), which scales the update in the same pass as it is added."""
        if self._draws(update):
            return torch.add(states, self._masked(update), alpha=scale(self.p))
        return states + super().forward(update)

    def _draws(self, values: Tensor) -> bool:
        return self.training and self.p > 0 and draws_on(values)

    def _masked(self, values: Tensor) -> Tensor:
        return _Masked.apply(values, kept(values.shape, self.p, values.dtype))


def draws_on(tensor: Tensor) -> bool:
    """Whether the random bits for the tensor are drawn here. Compiled code draws its own."""
    return tensor.device.type == "cpu" and not torch.compiler.is_compiling()


def kept(shape: tuple[int, ...], rate: float, dtype: torch.dtype) -> Tensor:
    """A random mask: integers as wide as `dtype`, without a bit for a share `rate` of them, else with all bits.

    The bits of a number and of its mask, combined by "and", give the number or 0 in a quarter of the time that a
    product takes.
    """
    size = math.prod(shape)
    bits = _words((size + 1) // 2).view(torch.int16)[:size]
    return bits.ge_(_dropped(rate) - _PARTS // 2).neg_().to(_INTEGERS[dtype.itemsize]).view(shape)


def masked(values: Tensor, mask: Tensor) -> Tensor:
    """The values, with 0 for those that `mask`, a result of `kept`, drops."""
    return (values.view(mask.dtype) & mask).view(values.dtype)


def mark(values: Tensor, mask: Tensor) -> None:
    """Give the values that `mask` drops a negative sign. No value may be negative."""
    lowest = torch.iinfo(mask.dtype).min  # the sign bit alone
    values.view(mask.dtype).bitwise_or_(mask.bitwise_not().bitwise_and_(lowest))


def mask_of(marked: Tensor) -> Tensor:
    """The mask by which the values were marked."""
    bits = marked.view(_INTEGERS[marked.itemsize])
    return bits.bitwise_right_shift(8 * marked.itemsize - 1).bitwise_not_()


class _Masked(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, mask: Tensor) -> Tensor:
        ctx.save_for_backward(mask)
        return masked(values, mask)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]  # torch's is (ctx, *args)
        return masked(gradient, *ctx.saved_tensors), None


def scale(rate: float) -> float:
    """The factor that keeps the mean unchanged: 1 over the share of elements that is kept."""
    return _PARTS / (_PARTS - _dropped(rate))


def _dropped(rate: float) -> int:
    """How many of the 2**16 values of 16 bits mean that an element is dropped. At least 1 value keeps the element."""
    return min(round(rate * _PARTS), _PARTS - 1)


def _words(size: int) -> Tensor:
    """Numbers [size] in int32 whose bits are all random."""
    rows = -(-size // _COLUMNS)
    numbers = torch.empty(rows + _COLUMNS, dtype=torch.int32).random_(-(2**31), 2**31)
    words = numbers[:rows, None] + numbers[rows:]
    shifted = torch.empty_like(words)
    for shift, factor in _STEPS:
        # torch's shift to the right fills the free bits with copies of the sign bit; the mask clears them.
        torch.bitwise_right_shift(words, shift, out=shifted).bitwise_and_(2 ** (32 - shift) - 1)
        words.bitwise_xor_(shifted).mul_(factor)
    return words.view(-1)[:size]
