"""CRC-32C: published values, every length against the bit-by-bit definition, and TensorFlow's masked form."""

from __future__ import annotations

import numpy as np
import pytest

from pretrain.export.crc32c import crc32c, masked_crc32c


def by_definition(content: bytes) -> int:
    """A bit at a time."""
    register = 0xFFFFFFFF
    for byte in content:
        register ^= byte
        for _ in range(8):
            register = (register >> 1) ^ (0x82F63B78 if register & 1 else 0)
    return register ^ 0xFFFFFFFF


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", 0),
        (b"a", 0xC1D04330),
        (b"123456789", 0xE3069283),  # the check value of the catalogue of CRCs
        (bytes(32), 0x8A9136AA),  # these four from RFC 3720, B.4
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(reversed(range(32))), 0x113FDB5C),
    ],
)
def test_published_values(content: bytes, expected: int) -> None:
    assert crc32c(content) == expected


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 63, 64, 65, 127, 129, 1000, 4097, 20000])
def test_every_length_is_as_defined(length: int) -> None:
    content = np.random.default_rng(length).bytes(length)
    assert crc32c(content) == by_definition(content)


def test_the_masked_form_is_rotated_and_offset() -> None:
    crc = crc32c(b"123456789")
    assert masked_crc32c(b"123456789") == ((crc >> 15 | crc << 17) + 0xA282EAD8) % 2**32
