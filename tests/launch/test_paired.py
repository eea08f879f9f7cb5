"""Paired differences by hand."""

from __future__ import annotations

import pytest

from launch.paired import PairedDifference, paired_difference


def test_three_pairs_by_hand() -> None:
    """The differences 1, 2, 3 have mean 2 and deviation 1; the error of the mean is 1 / sqrt(3), so t is 3.4641.

    Student's t with two degrees of freedom has the distribution 1/2 + t / (2 sqrt(2 + t^2)). Its 97.5 %
    point is 4.3027.
    """
    difference = paired_difference([5, 7, 9], [4, 5, 6])
    half = 4.302653 / 3**0.5
    assert (difference.mean, difference.low, difference.high) == pytest.approx((2, 2 - half, 2 + half))
    assert difference.p == pytest.approx(1 - 12**0.5 / 14**0.5)


def test_two_pairs_by_hand() -> None:
    """With one degree of freedom Student's t is Cauchy's distribution, whose 97.5 % point is tan(0.475 pi)."""
    difference = paired_difference([1, 4], [0, 0])
    assert (difference.mean, difference.low) == pytest.approx((2.5, 2.5 - 12.7062 * 1.5), rel=1e-5)
    assert difference.p == pytest.approx(0.344042, rel=1e-5)  # 2 (1/2 - atan(5 / 3) / pi)


def test_no_spread_and_no_test() -> None:
    assert paired_difference([3.0], [2.0]) == PairedDifference(1, None, None, None)
    assert paired_difference([3.0, 4.0, 6.0], [2.0, 3.0, 5.0]) == PairedDifference(1, 1, 1, None)
