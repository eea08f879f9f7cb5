"""Google's and HFL's checkpoints, `NAME.index` beside `NAME.data-00000-of-00001`, read without TensorFlow.

The index is a sorted table as LevelDB writes it (doc/table_format.md there): blocks of keys, each without the bytes
that it shares with the key before. A value is a BundleEntryProto (tensorflow/core/protobuf/tensor_bundle.proto): type,
shape, file, offset and size of a tensor.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from configs.common.errors import UserError

_MAGIC, _FOOTER_BYTES = 0xDB4775248B80FB57, 48
_TYPES = {1: "<f4", 2: "<f8", 3: "<i4", 9: "<i8"}  # of tensorflow/core/framework/types.proto
_ADAM = ("/adam_m", "/adam_v")

Message = dict[int, list[int | bytes]]


@dataclass(frozen=True)
class _Entry:
    dtype: np.dtype
    shape: tuple[int, ...]
    file: int
    offset: int
    size: int


def exists(path: Path) -> bool:
    """Whether it is a checkpoint without its ending, or a folder that holds one."""
    return path.with_name(f"{path.name}.index").is_file() or any(path.glob("*.index"))


def newest(folder: Path) -> Path:
    """The checkpoint that a folder's `checkpoint` names, or its only one, without the ending `.index`.

    Raises UserError where there are several, and none is named.
    """
    named = folder / "checkpoint"
    if named.is_file():
        line = named.read_text(encoding="utf-8", errors="replace").split("\n")[0]
        name = Path(line.partition(":")[2].strip().strip('"')).name
        if (folder / f"{name}.index").is_file():
            return folder / name
    found = sorted(path.with_suffix("") for path in folder.glob("*.index"))
    if len(found) != 1:
        raise UserError(f"{folder}: has {len(found)} checkpoints; name one, such as {found[-1]}")
    return found[0]


def read(checkpoint: Path) -> dict[str, NDArray[np.generic]]:
    """The tensors by name, Adam's moments left out; raises UserError for files that are no whole checkpoint."""
    index = checkpoint.with_name(f"{checkpoint.name}.index")
    try:
        values = dict(_table(index.read_bytes()))
        header = _message(values.pop(b""))
        entries = {name.decode(): _entry(value) for name, value in values.items() if not name.decode().endswith(_ADAM)}
        count = _number(header, 1)
        files = [checkpoint.with_name(f"{checkpoint.name}.data-{n:05d}-of-{count:05d}") for n in range(count)]
        return {name: _tensor(files[entry.file], entry) for name, entry in entries.items()}
    except OSError as error:
        raise UserError(f"{checkpoint}: cannot be read ({error})") from None
    except (ValueError, KeyError, IndexError, struct.error) as error:
        raise UserError(f"{index}: is no index of TensorFlow's, or is damaged ({error})") from None


def _tensor(file: Path, entry: _Entry) -> NDArray[np.generic]:
    with open(file, "rb") as data:
        data.seek(entry.offset)
        content = data.read(entry.size)
    if len(content) != entry.size:
        raise ValueError(f"{file.name} ends too early")
    return np.frombuffer(content, entry.dtype).reshape(entry.shape)


def _table(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(key, value) of all data blocks."""
    footer = content[-_FOOTER_BYTES:]
    if len(footer) < _FOOTER_BYTES or struct.unpack("<Q", footer[-8:])[0] != _MAGIC:
        raise ValueError("its end is not that of a table")
    place = 0
    handles = []
    for _ in range(4):  # offset and size of the meta index, then of the index of blocks
        number, place = _varint(footer, place)
        handles.append(number)
    for _, handle in _block(content, *handles[2:]):
        offset, end = _varint(handle, 0)
        yield from _block(content, offset, _varint(handle, end)[0])


def _block(content: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    block, compression = content[offset : offset + size], content[offset + size]
    if compression:
        raise ValueError("it is compressed")
    (num_restarts,) = struct.unpack("<I", block[-4:])
    key, place, end = b"", 0, size - 4 * (num_restarts + 1)
    while place < end:
        shared, place = _varint(block, place)
        unshared, place = _varint(block, place)
        length, place = _varint(block, place)
        key = key[:shared] + block[place : place + unshared]
        place += unshared
        yield key, block[place : place + length]
        place += length


def _entry(value: bytes) -> _Entry:
    message = _message(value)
    dimensions = [_message(part) for shape in message.get(2, []) for part in _message(shape).get(2, [])]
    shape = tuple(_number(dimension, 1) for dimension in dimensions)
    return _Entry(np.dtype(_TYPES[_number(message, 1)]), shape, *(_number(message, field) for field in (3, 4, 5)))


def _message(content: int | bytes) -> Message:
    """The fields of a protocol buffer, by number."""
    if not isinstance(content, bytes):
        raise ValueError("a number stands where a message should")
    fields: Message = {}
    place = 0
    while place < len(content):
        tag, place = _varint(content, place)
        match tag & 7:
            case 0:
                value, place = _varint(content, place)
            case 2:
                length, place = _varint(content, place)
                value, place = content[place : place + length], place + length
            case 1 | 5 as kind:
                width = 8 if kind == 1 else 4
                value, place = content[place : place + width], place + width
            case kind:
                raise ValueError(f"there are no fields of kind {kind}")
        fields.setdefault(tag >> 3, []).append(value)
    return fields


def _number(message: Message, field: int) -> int:
    (value,) = message.get(field, [0])
    if not isinstance(value, int):
        raise ValueError("bytes stand where a number should")
    return value


def _varint(content: bytes, place: int) -> tuple[int, int]:
    """A number of seven bits a byte, the lowest first, and the place behind it."""
    value = shift = 0
    while True:
        byte = content[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value, place
