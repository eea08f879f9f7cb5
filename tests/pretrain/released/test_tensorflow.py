"""The reader of TensorFlow's checkpoints: checksums, and a checkpoint of TensorFlow's in which a bit has changed."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from configs.common.errors import UserError
from pretrain.released import tensorflow
from pretrain.released.tensorflow import masked_crc32c

GOLDEN = Path(__file__).parent.parent.parent / "golden" / "tf_ckpt_tiny"
NAME = "model.ckpt-5"
INDEX, DATA = f"{NAME}.index", f"{NAME}.data-00000-of-00001"


@pytest.mark.parametrize(
    ("content", "crc"),
    [
        (b"", 0),
        (b"123456789", 0xE3069283),  # the check value of the catalogue of CRCs
        (bytes(32), 0x8A9136AA),  # RFC 3720, B.4
        (bytes(range(32)), 0x46DD794E),
    ],
)
def test_the_checksum_is_crc32c_rotated_and_with_an_offset(content: bytes, crc: int) -> None:
    assert masked_crc32c(content) == ((crc >> 15 | crc << 17 & 0xFFFFFFFF) + 0xA282EAD8) % 2**32


@pytest.mark.parametrize("file", [INDEX, DATA])
def test_a_bit_that_changed_is_refused_or_changes_nothing(file: str, tmp_path: Path) -> None:
    """Adam's moments are not read, and the end of the index has bytes of no meaning."""
    for name in (INDEX, DATA):
        shutil.copy(GOLDEN / name, tmp_path)
    whole, refusals = tensorflow.read(tmp_path / NAME), 0
    content = bytearray((tmp_path / file).read_bytes())
    generator = np.random.default_rng(0)
    for place, bit in zip(generator.integers(len(content), size=200), generator.integers(8, size=200), strict=True):
        content[place] ^= 1 << bit
        (tmp_path / file).write_bytes(content)
        content[place] ^= 1 << bit
        try:
            read = tensorflow.read(tmp_path / NAME)
        except UserError as error:
            assert str(tmp_path / NAME) in str(error) and "copy" in str(error), f"{place}: {error}"
            refusals += 1
        else:
            assert read.keys() == whole.keys() and all(np.array_equal(read[name], whole[name]) for name in whole)
    assert refusals > 50
