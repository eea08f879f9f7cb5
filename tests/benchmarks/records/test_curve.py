"""The FLOPs that the reference needs for a score, with numbers worked by hand."""

from __future__ import annotations

import pytest

from benchmarks.records.curve import Reading, read_curve

# Twice the FLOPs give .04 more AUC.
CURVE = [(100.0, 0.60), (200.0, 0.64), (400.0, 0.68)]


@pytest.mark.parametrize(
    ("score", "flops", "bound"),
    [
        (0.60, 100.0, ""),
        (0.64, 200.0, ""),
        (0.68, 400.0, ""),
        (0.62, 100 * 2**0.5, ""),  # half of the way in AUC is half of the way in the logarithm
        (0.67, 200 * 2**0.75, ""),
        (0.59, 100.0, "less than"),
        (0.69, 400.0, "more than"),
    ],
)
def test_between_two_lengths_the_logarithm_is_interpolated(score: float, flops: float, bound: str) -> None:
    reading = read_curve(CURVE[::-1], score)
    assert reading.flops == pytest.approx(flops) and reading.bound == bound


def test_a_curve_that_falls_is_read_where_it_first_reaches_the_score() -> None:
    curve = [(100.0, 0.60), (200.0, 0.58), (400.0, 0.62)]
    assert read_curve(curve, 0.59) == Reading(100.0, "less than")
    assert read_curve(curve, 0.60).flops == 100
    assert read_curve(curve, 0.61).flops == pytest.approx(200 * 2**0.75)


def test_the_ratio_says_how_many_times_the_flops_the_reference_needs() -> None:
    """A run of 100 that reaches what the reference reaches at 200 needs half of the FLOPs."""
    assert read_curve(CURVE, 0.64).ratio(100.0) == "2.00x"
    assert read_curve(CURVE, 0.70).ratio(100.0) == "more than 4.00x"
    assert read_curve(CURVE, 0.50).ratio(200.0) == "less than 0.50x"
