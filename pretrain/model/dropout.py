"""Dropout: torch's, and on a CPU the same law from random bits that cost less than what they are for.

torch draws the bits of a CPU one after the other, on one thread: 6 to 10 ns an element, a fifth of a training step on
two threads (benchmarks/train_step.py). Here an element has 16 bits of a hash of its place, as it has on a GPU: torch's
generator gives every row and every column of a call a random number, and the hash mixes the sums of the two. That is
ten passes of vector instructions over two bytes an element, on all threads, and the same bits on any number of them.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

# The steps of a bijection of 32 bits in which every bit of the input turns every bit of the output over in half of the
# cases: lowbias32 of Chris Wellons's Hash Prospector. A shift to the right, and a factor, written as an int32.
_STEPS = ((16, 0x7FEB352D), (15, 0x846CA68B - 2**32), (16, 1))
# A share is counted in these: what is dropped is at most 2**-17 more or less often than asked for.
_PARTS = 2**16
_COLUMNS = 1024


class Dropout(nn.Dropout):
    def forward(self, input: Tensor) -> Tensor:
        if not self.training or not self.p or not draws_on(input):
            return super().forward(input)
        return (input.float() * kept(input.shape, self.p).float().mul_(scale(self.p))).to(input.dtype)


def draws_on(tensor: Tensor) -> bool:
    """Whether the bits for it are drawn here; a compiler makes its own."""
    return tensor.device.type == "cpu" and not torch.compiler.is_compiling()


def kept(shape: tuple[int, ...], rate: float) -> Tensor:
    """int8: 0 for a share `rate` of the elements, and 1 for the others."""
    size = math.prod(shape)
    bits = _words((size + 1) // 2).view(torch.int16)[:size]
    return bits.ge_(_dropped(rate) - _PARTS // 2).to(torch.int8).view(shape)


def scale(rate: float) -> float:
    """What leaves the mean as it was: 1 over the share that is kept."""
    return _PARTS / (_PARTS - _dropped(rate))


def _dropped(rate: float) -> int:
    """How many of the values of 16 bits stand for dropping. A rate next to 1 drops all but one of them."""
    return min(round(rate * _PARTS), _PARTS - 1)


def _words(size: int) -> Tensor:
    """[size] int32, random in every bit."""
    rows = -(-size // _COLUMNS)
    numbers = torch.empty(rows + _COLUMNS, dtype=torch.int32).random_(-(2**31), 2**31)
    words = numbers[:rows, None] + numbers[rows:]
    shifted = torch.empty_like(words)
    for shift, factor in _STEPS:
        # torch copies the sign into the bits that a shift leaves free.
        torch.bitwise_right_shift(words, shift, out=shifted).bitwise_and_(2 ** (32 - shift) - 1)
        words.bitwise_xor_(shifted).mul_(factor)
    return words.view(-1)[:size]
