"""The roofline of each kernel and of an update, worked by hand."""

from __future__ import annotations

import pytest

from configs.load import load
from launch.gpus import GPUS
from launch.roofline import Kernel, seconds_per_token, update_seconds

H200 = GPUS["h200"]


@pytest.mark.parametrize(
    ("name", "overrides", "components"),
    [
        # The components are the embeddings with their projections; in the discriminator the query, the key and value,
        # attention, output, residuals and LayerNorms, and feed-forward; the generator's layers; the vocabulary; loss
        # and sample; and the discriminator's head. They were worked out by hand at 790 TFLOP/s and 4.3 TB/s, with the
        # longer of the two times for each kernel.
        ("small", (), (1.5, 17.9, 17.1, 8.6, 21.4, 57.6, 29.6, 6.4, 8.5, 1.2)),
        ("small", ("data.row_length=512",), (1.5, 17.9, 23.9, 8.6, 21.4, 57.6, 31.3, 6.4, 8.5, 1.2)),
        ("base", ("data.row_length=128",), (5.7, 161, 51.4, 53.8, 64.3, 430, 122.6, 26.7, 8.5, 4.5)),
        ("base", (), (5.7, 161, 71.7, 53.8, 64.3, 430, 129.4, 26.7, 8.5, 4.5)),
        ("large", (), (7.5, 573, 191, 191, 172, 1529, 259, 59.4, 14.2, 8.0)),
    ],
)
def test_the_roofline_is_the_sum_of_its_components(name: str, overrides: tuple[str, ...], components: list) -> None:
    nanoseconds = 1e9 * seconds_per_token(load(name, overrides), H200, 2)
    assert nanoseconds == pytest.approx(sum(components), rel=0.01)


def test_a_layer_of_fp32_by_hand() -> None:
    """A V100 reaches 0.8 x 15.7 TFLOP/s and 0.9 x 900 GB/s.

    At width 768 only the LayerNorms are limited by memory; everything else is limited by the matrix products.
    """
    layers = [
        load("base", [f"model.discriminator={{layers={n}, hidden=768, heads=12, intermediate=3072}}"]) for n in (1, 2)
    ]
    one, two = (seconds_per_token(recipe, GPUS["v100"], 4) for recipe in layers)
    products = 6 * (4 * 768**2 + 2 * 768 * 3072) + 12 * 512 * 768
    assert two - one == pytest.approx(products / (0.8 * 15.7e12) + 2 * 29 * 768 / (0.9 * 900e9))


def test_an_update_by_hand() -> None:
    """An update moves 34 bytes for each of 14.2 M parameters at 4.32 TB/s.

    In a step of 16,384 tokens, this costs 6.8 ns per token.
    """
    assert update_seconds(14_196_219, H200) == pytest.approx(1.1173e-4, rel=1e-4)


def test_a_kernel_takes_the_longer_of_its_two_times() -> None:
    assert Kernel(0.8 * 989e12, 0).seconds(H200, 2) == pytest.approx(1)
    assert Kernel(0, 0.9 * 4800e9).seconds(H200, 2) == pytest.approx(1)
    assert Kernel(0.8 * 989e12, 3 * 0.9 * 4800e9).seconds(H200, 2) == pytest.approx(3)


def test_a_falling_masking_rate_takes_the_time_of_its_mean_number_of_slots() -> None:
    """The rates .3 and .15 have 156 and 79 slots in 512 tokens; the steps between them have each number in turn."""
    falls = ["masking.rate=0.3", "corruption.masking_rate_end=0.15", "corruption.masking_rate_steps=1000000"]
    falling, high, low = (
        seconds_per_token(load("small", [*keys, "data.row_length=512", "schedule.steps=1000000"]), H200, 2)
        for keys in (falls, ["masking.rate=0.3"], ["masking.rate=0.15"])
    )
    assert falling == pytest.approx((high + low) / 2, rel=1e-3)
