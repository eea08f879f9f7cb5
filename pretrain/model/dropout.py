"""Dropout: torch's own on a GPU, and on a CPU the same distribution from random bits that take less time to make.

On a CPU, torch draws random bits one after the other, on one thread. This takes 6 to 10 ns for each element, a fifth of
a training step on two threads (benchmarks/train_step.py). Here each element gets 16 bits of a hash of its place, as on
a GPU: torch's generator gives a random number to every row and to every column of a call, and the hash mixes the sum of
the two. This takes ten passes of vector instructions over two bytes for each element. It uses all threads, and the bits
are the same on any number of threads.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

# The steps of a hash that maps 32 bits one-to-one to 32 bits: lowbias32 of Chris Wellons's Hash Prospector. Every bit
# of the input flips every bit of the output in half of the cases. A step is a shift to the right, and a factor that is
# written as an int32.
_STEPS = ((16, 0x7FEB352D), (15, 0x846CA68B - 2**32), (16, 1))
# The rate of dropout is rounded to a multiple of 1 / _PARTS, so it differs by at most 2**-17 from the rate asked for.
_PARTS = 2**16
# The hash is computed on a table with this many columns and as many rows as the elements need.
_COLUMNS = 1024


class Dropout(nn.Dropout):
    def forward(self, input: Tensor) -> Tensor:
        if not self.training or not self.p or not draws_on(input):
            return super().forward(input)
        return (input.float() * kept(input.shape, self.p).float().mul_(scale(self.p))).to(input.dtype)


def draws_on(tensor: Tensor) -> bool:
    """Whether the random bits for the tensor are drawn here. Compiled code draws its own."""
    return tensor.device.type == "cpu" and not torch.compiler.is_compiling()


def kept(shape: tuple[int, ...], rate: float) -> Tensor:
    """A random mask in int8: 0 for a share `rate` of the elements, and 1 for the others."""
    size = math.prod(shape)
    bits = _words((size + 1) // 2).view(torch.int16)[:size]
    return bits.ge_(_dropped(rate) - _PARTS // 2).to(torch.int8).view(shape)


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
