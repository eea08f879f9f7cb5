"""The checksum CRC-32C (Castagnoli), computed with numpy. TensorFlow checks it when it reads a checkpoint.

The register of a CRC is linear. The register after A followed by B is the xor of two registers: the register after A,
moved over the length of B, and the register after B, begun at zero. So the data is cut into lanes of equal length, all
lanes advance together a byte at a time, and neighbouring lanes are then joined in pairs. About 60 MB take a second.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

_POLYNOMIAL = 0x82F63B78  # 0x1EDC6F41 with its bits reversed
_MASK_DELTA = 0xA282EAD8  # tensorflow/core/lib/hash/crc32c.h
_SHORTEST_LANE, _LONGEST_LANE = 64, 4096

Registers = NDArray[np.uint32]


def _table() -> Registers:
    """Compute for every byte the register after it, begun at zero, [256]."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ _POLYNOMIAL, table >> 1).astype(np.uint32)
    return table


_TABLE = _table()
_BYTE, _EIGHT = np.uint32(0xFF), np.uint32(8)
_BITS = np.uint32(1) << np.arange(32, dtype=np.uint32)


def masked_crc32c(content: bytes | memoryview) -> int:
    """Compute the checksum in the form that TensorFlow and LevelDB store: rotated and with an offset.

    The plain CRC is not stored, because the CRC of data that contains its own CRC is a constant.
    """
    crc = crc32c(content)
    return (((crc >> 15) | (crc << 17)) + _MASK_DELTA) & 0xFFFFFFFF


def crc32c(content: bytes | memoryview) -> int:
    """Compute the CRC of content of any length. It is 0 for empty content."""
    data = np.frombuffer(content, np.uint8)
    # A CRC-32 begins with a register of ones, which is the same as inverting the first four bytes.
    first = np.zeros(max(4, len(data)), np.uint8)
    first[len(first) - len(data) :] = data
    if len(data) < 4:
        return _short(data)
    first[:4] ^= 0xFF
    lane = min(_LONGEST_LANE, max(_SHORTEST_LANE, 1 << round(math.log2(len(first)) / 2)))
    # The lanes are filled up with zeros at the front, which leave a register of zero unchanged.
    lanes = np.concatenate([np.zeros(-len(first) % lane, np.uint8), first]).reshape(-1, lane)
    registers = np.zeros(len(lanes), np.uint32)
    for column in np.ascontiguousarray(lanes.T):
        registers = _TABLE[(registers ^ column) & _BYTE] ^ (registers >> _EIGHT)
    return _joined(registers, lane) ^ 0xFFFFFFFF


def _short(data: NDArray[np.uint8]) -> int:
    register = 0xFFFFFFFF
    for byte in data.tolist():
        register = int(_TABLE[(register ^ byte) & 0xFF]) ^ (register >> 8)
    return register ^ 0xFFFFFFFF


def _joined(registers: Registers, lane: int) -> int:
    """Join the registers of all lanes to the register of the lanes in sequence."""
    over = _moved_over_a_byte()
    for _ in range(lane.bit_length() - 1):  # the length of a lane is a power of two
        over = _moved(over, over)
    while len(registers) > 1:
        if len(registers) % 2:
            registers = np.concatenate([np.zeros(1, np.uint32), registers])
        registers = _moved(over, registers[::2]) ^ registers[1::2]
        over = _moved(over, over)
    return int(registers[0])


def _moved_over_a_byte() -> Registers:
    """Compute for each bit of a register the value that it becomes when a zero byte follows, [32]."""
    return _TABLE[_BITS & _BYTE] ^ (_BITS >> _EIGHT)


def _moved(over: Registers, registers: Registers) -> Registers:
    """Move registers [N]. `over` holds the value that each of the 32 bits becomes."""
    moved = np.zeros_like(registers)
    for bit, image in zip(_BITS, over, strict=True):
        moved ^= np.where(registers & bit, image, np.uint32(0))
    return moved
