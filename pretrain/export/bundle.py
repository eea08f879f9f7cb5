"""TensorFlow checkpoints, `NAME.index` and `NAME.data-00000-of-00001`, written without TensorFlow.

They are read by `pretrain/released/tensorflow.py`, whose docstring describes the format.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pretrain.released.tensorflow import masked_crc32c

_MAGIC, _HANDLES_BYTES = 0xDB4775248B80FB57, 40
_FLOAT = 1  # DT_FLOAT of tensorflow/core/framework/types.proto
# TensorFlow's values: every sixteenth key is stored whole, and a block is full at this size.
_RESTART_INTERVAL, _BLOCK_BYTES = 16, 256 * 1024
# This BundleHeaderProto states one file of data, and a version whose producer is 1.
_HEADER = b"\x08\x01\x1a\x02\x08\x01"


def write_bundle(checkpoint: Path, arrays: Mapping[str, NDArray[np.float32]]) -> None:
    """Write a checkpoint. `checkpoint` is the path without an ending. Names are sorted as TensorFlow sorts them."""
    entries = [(b"", _HEADER)]
    with open(checkpoint.with_name(f"{checkpoint.name}.data-00000-of-00001"), "wb") as data:
        for name in sorted(arrays):
            content = arrays[name].astype("<f4", copy=False).tobytes()
            entries.append((name.encode(), _entry(arrays[name].shape, content, data.tell())))
            data.write(content)
    checkpoint.with_name(f"{checkpoint.name}.index").write_bytes(_table(entries))


def _entry(shape: tuple[int, ...], content: bytes, offset: int) -> bytes:
    """Encode a BundleEntryProto. A field whose value is zero is left out, as protocol buffers do."""
    dimensions = b"".join(_message(2, _number(1, size)) for size in shape)
    place = _number(4, offset) if offset else b""
    checksum = struct.pack("<BI", 6 << 3 | 5, masked_crc32c(content))
    return _number(1, _FLOAT) + _message(2, dimensions) + place + _number(5, len(content)) + checksum


def _table(entries: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Encode a sorted table: blocks of entries, an empty block of properties, and a block that points to the others."""
    content = bytearray()

    def append(block: bytes) -> bytes:
        handle = _varint(len(content)) + _varint(len(block))
        content.extend(block + b"\0" + struct.pack("<I", masked_crc32c(block + b"\0")))
        return handle

    pointers = [(keys[-1][0], append(_block(keys, _RESTART_INTERVAL))) for keys in _filled(entries)]
    handles = append(_block([], 1)) + append(_block(pointers, 1))
    return bytes(content) + handles.ljust(_HANDLES_BYTES, b"\0") + struct.pack("<Q", _MAGIC)


def _filled(entries: Iterable[tuple[bytes, bytes]]) -> Iterable[list[tuple[bytes, bytes]]]:
    """Divide the entries into blocks. A block ends when its keys and values reach `_BLOCK_BYTES`."""
    block: list[tuple[bytes, bytes]] = []
    size = 0
    for key, value in entries:
        block.append((key, value))
        size += len(key) + len(value)
        if size >= _BLOCK_BYTES:
            yield block
            block, size = [], 0
    if block:
        yield block


def _block(entries: list[tuple[bytes, bytes]], interval: int) -> bytes:
    """Encode a block. A key is stored without the prefix that it shares with the key before.

    Every `interval`-th key, called a restart, is stored whole; the offsets of the restarts end the block.
    """
    content, restarts, before = bytearray(), [0], b""
    for number, (key, value) in enumerate(entries):
        shared = 0
        if number % interval:
            while shared < min(len(key), len(before)) and key[shared] == before[shared]:
                shared += 1
        elif number:
            restarts.append(len(content))
        content += _varint(shared) + _varint(len(key) - shared) + _varint(len(value)) + key[shared:] + value
        before = key
    return bytes(content) + struct.pack(f"<{len(restarts) + 1}I", *restarts, len(restarts))


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _message(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    """Encode a number with seven bits in each byte, the lowest bits first."""
    content = bytearray()
    while value > 127:
        content.append(value & 127 | 128)
        value >>= 7
    return bytes([*content, value])
