"""The writer of TensorFlow's checkpoints against a checkpoint that TensorFlow wrote, and against our reader."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pretrain.export.bundle import write_bundle
from pretrain.released import tensorflow
from pretrain.released.tensorflow import masked_crc32c

GOLDEN = Path(__file__).parent.parent.parent / "golden" / "tf_ckpt_tiny"


def checksums(index: Path) -> dict[str, tuple[bytes, int]]:
    """Of each tensor: the protocol buffer without its place in the data, and the checksum in it."""
    entries = {}
    for name, value in tensorflow._table(index.read_bytes()):
        message = tensorflow._message(value)
        if name:
            (stored,) = message[6]
            assert isinstance(stored, bytes | int)
            entries[name.decode()] = (message[1], message.get(2), message[5], stored)
    return entries


def test_entries_are_those_of_tensorflow(tmp_path: Path) -> None:
    """Type, shape, size and checksum of every tensor, written again from what our reader gives."""
    arrays = tensorflow.read(GOLDEN / "model.ckpt-5")
    floats = {name: array.astype(np.float32) for name, array in arrays.items() if array.dtype == np.float32}
    assert len(floats) > 60
    write_bundle(tmp_path / "again", floats)
    reference, actual = checksums(GOLDEN / "model.ckpt-5.index"), checksums(tmp_path / "again.index")
    assert actual == {name: reference[name] for name in floats}


def test_our_reader_reads_every_array_back(tmp_path: Path) -> None:
    """Long and short names, more than a block of them, scalars, and an array of nothing."""
    shapes = [(), (0,), (3,), (2, 5), (1, 2, 3, 4)]
    arrays = {
        f"layer_{number}/{'x' * (number % 40 * 30)}": np.random.default_rng(number)
        .standard_normal(shapes[number % 5])
        .astype(np.float32)
        for number in range(1000)
    }
    write_bundle(tmp_path / "model", arrays)
    read_arrays = tensorflow.read(tmp_path / "model")
    assert read_arrays.keys() == arrays.keys()
    for name, array in arrays.items():
        assert read_arrays[name].shape == array.shape
        assert np.array_equal(read_arrays[name], array)


def test_the_header_is_tensorflows(tmp_path: Path) -> None:
    write_bundle(tmp_path / "model", {"a": np.zeros(1, np.float32)})
    header = dict(tensorflow._table((tmp_path / "model.index").read_bytes()))[b""]
    assert header == dict(tensorflow._table((GOLDEN / "model.ckpt-5.index").read_bytes()))[b""]
    # the checksum of a block covers its content and the byte that says how it is compressed
    content = (tmp_path / "model.index").read_bytes()
    assert content[-8:] == (GOLDEN / "model.ckpt-5.index").read_bytes()[-8:]
    assert masked_crc32c(b"") == 0xA282EAD8
