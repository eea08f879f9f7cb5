"""TensorFlow checkpoints, `NAME.index` beside `NAME.data-00000-of-00001`, read without TensorFlow.

The index is a sorted table in the format of LevelDB (doc/table_format.md in its repository): blocks of keys, in which
each key is stored without the bytes that it shares with the key before it. A value is a BundleEntryProto
(tensorflow/core/protobuf/tensor_bundle.proto): type, shape, file, offset, size and checksum of a tensor. Every block
of the index is followed by its checksum. All checksums are compared.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from configs.common.errors import UserError
from pretrain.released.weight_files import check_content

_MAGIC, _FOOTER_BYTES = 0xDB4775248B80FB57, 48
# TensorFlow's number of each type (tensorflow/core/framework/types.proto), and numpy's name of it.
_TYPES = {1: "<f4", 2: "<f8", 3: "<i4", 9: "<i8", 19: "<f2"}
_BFLOAT16 = 14
_ADAM = ("/adam_m", "/adam_v")
# TensorFlow 2 stores in this entry the Python object to which each variable belongs.
_OBJECT_GRAPH = b"_CHECKPOINTABLE_OBJECT_GRAPH"
_MASK_DELTA = 0xA282EAD8  # tensorflow/core/lib/hash/crc32c.h
_ENDING = re.compile(r"\.(index|meta|data-\d{5}-of-\d{5})$")

Message = dict[int, list[int | bytes]]


@dataclass(frozen=True)
class _Entry:
    type: int
    shape: tuple[int, ...]
    file: int
    offset: int
    size: int
    checksum: int


def without_ending(path: Path) -> Path:
    """Return the path `NAME` of a checkpoint for one of its files, such as `NAME.index`. Other paths stay the same."""
    checkpoint = path.with_name(_ENDING.sub("", path.name)) if _ENDING.search(path.name) else path
    return checkpoint if _index(checkpoint).is_file() else path


def exists(path: Path) -> bool:
    """Whether a path is a checkpoint, named without its ending, or a folder that holds a checkpoint."""
    return _index(path).is_file() or any(path.glob("*.index"))


def newest(folder: Path) -> Path:
    """Return the checkpoint that the file `checkpoint` of a folder names, or the folder's only checkpoint.

    The path has no ending `.index`. Raises UserError if there are several checkpoints and none of them is named.
    """
    state = folder / "checkpoint"
    if state.is_file():
        line = state.read_text(encoding="utf-8", errors="replace").split("\n")[0]
        name = Path(line.partition(":")[2].strip().strip('"')).name
        if name and (folder / f"{name}.index").is_file():
            return folder / name
    checkpoints = sorted(path.with_suffix("") for path in folder.glob("*.index"))
    if len(checkpoints) != 1:
        raise UserError(f"{folder}: has {len(checkpoints)} checkpoints; name one, such as {checkpoints[-1]}")
    return checkpoints[0]


def masked_crc32c(content: bytes) -> int:
    """Compute the CRC-32C in the form that TensorFlow and LevelDB store: rotated and with an offset.

    The plain CRC is not stored, because the CRC of data that contains its own CRC is a constant.
    """
    crc = google_crc32c.value(content)
    return (((crc >> 15) | (crc << 17)) + _MASK_DELTA) & 0xFFFFFFFF


def read(checkpoint: Path) -> dict[str, NDArray[np.generic]]:
    """Read the tensors by name, without Adam's moments. Raises UserError for files that are no whole checkpoint."""
    index = _index(checkpoint)
    check_content(index)
    try:
        values = dict(_table(index.read_bytes()))
        header = _message(values.pop(b""))
        if _OBJECT_GRAPH in values:
            raise UserError(
                f"{checkpoint}: is an object checkpoint of TensorFlow 2, which is not read; convert it to a folder of "
                "transformers, or to a checkpoint with Google's names of variables"
            )
        count = _number(header, 1)
        files = [checkpoint.with_name(f"{checkpoint.name}.data-{n:05d}-of-{count:05d}") for n in range(count)]
        entries = {name.decode(): _entry(value) for name, value in values.items() if not name.decode().endswith(_ADAM)}
    except OSError as error:
        raise UserError(f"{checkpoint}: cannot be read ({error})") from None
    except (ValueError, LookupError, OverflowError, struct.error) as error:
        raise UserError(f"{index}: is no index of TensorFlow's, or is damaged ({error}); copy it again") from None
    for file in files:
        check_content(file)
    return {name: _tensor(files, name, entry, index) for name, entry in entries.items()}


def _index(checkpoint: Path) -> Path:
    return checkpoint.parent / f"{checkpoint.name}.index"


def _tensor(files: list[Path], name: str, entry: _Entry, index: Path) -> NDArray[np.generic]:
    if entry.type != _BFLOAT16 and entry.type not in _TYPES:
        raise UserError(f"{index}: {name} has TensorFlow's type {entry.type}, which is no number; name another model")
    if entry.file >= len(files):
        raise UserError(f"{index}: {name} is in file {entry.file}, and there are {len(files)}; copy it again")
    with open(files[entry.file], "rb") as data:
        data.seek(entry.offset)
        content = data.read(entry.size)
    if len(content) != entry.size:
        raise UserError(f"{files[entry.file]}: ends before {name}, so it is cut short; copy or download it again")
    if masked_crc32c(content) != entry.checksum:
        raise UserError(
            f"{files[entry.file]}: {name} has another checksum than {index.name} states, so a file is damaged; copy or "
            "download both again"
        )
    try:
        return _array(content, entry)
    except ValueError as error:
        raise UserError(f"{index}: the entry of {name} is damaged ({error}); copy it again") from None


def _array(content: bytes, entry: _Entry) -> NDArray[np.generic]:
    if entry.type != _BFLOAT16:
        return np.frombuffer(content, _TYPES[entry.type]).reshape(entry.shape)
    # numpy has no bfloat16; its bits are the upper half of a float32.
    upper = np.frombuffer(content, "<u2").astype("<u4") << 16
    return upper.view("<f4").reshape(entry.shape)


def _table(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the key and value of every entry in the data blocks."""
    footer = content[-_FOOTER_BYTES:]
    if len(footer) < _FOOTER_BYTES or struct.unpack("<Q", footer[-8:])[0] != _MAGIC:
        raise ValueError("it does not end like a table")
    place = 0
    handles = []
    for _ in range(4):  # the offset and size of the meta index, then the offset and size of the index of blocks
        number, place = _varint(footer, place)
        handles.append(number)
    for _, handle in _block(content, *handles[2:]):
        offset, end = _varint(handle, 0)
        yield from _block(content, offset, _varint(handle, end)[0])


def _block(content: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    block, compression = content[offset : offset + size], content[offset + size]
    if compression:
        raise ValueError("it is compressed")
    # The checksum covers the block and the byte that says how it is compressed.
    if struct.pack("<I", masked_crc32c(content[offset : offset + size + 1])) != content[offset + size + 1 :][:4]:
        raise ValueError(f"the checksum of the block at byte {offset} differs")
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
    dimensions = [_message(size) for shape in message.get(2, []) for size in _message(shape).get(2, [])]
    shape = tuple(_number(dimension, 1) for dimension in dimensions)
    (checksum,) = message[6]
    if not isinstance(checksum, bytes):
        raise ValueError("a number stands where a checksum should")
    type, file, offset, size = (_number(message, field) for field in (1, 3, 4, 5))
    return _Entry(type, shape, file, offset, size, struct.unpack("<I", checksum)[0])


def _message(content: int | bytes) -> Message:
    """Decode the fields of a protocol buffer, by their numbers."""
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
    """Decode a number with seven bits in each byte, the lowest bits first. Returns it with the place after it."""
    value = shift = 0
    while True:
        byte = content[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value, place
