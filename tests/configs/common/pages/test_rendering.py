"""Numbers as people read them."""

from __future__ import annotations

import pytest

from configs.common.pages.rendering import count, duration, figure, megabytes, percent


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (count(1234567), "1,234,567"),
        (figure(0.70149), "0.701"),
        (figure(1173.04), "1,173.0"),
        (figure(0.0391, signed=True), "+0.039"),
        (figure(None), "–"),
        (percent(0.6733), "67.33 %"),
        (percent(-0.01, signed=True), "-1.00 %"),
        (percent(None), "–"),
        (duration(7.4), "7 seconds"),
        (duration(119), "119 seconds"),
        (duration(150), "2.5 minutes"),
        (duration(3 * 3600), "3.0 hours"),
        (duration(3 * 86400), "3.0 days"),
        (megabytes(1_500_000), "1.5 MB"),
    ],
)
def test_numbers(shown: str, expected: str) -> None:
    assert shown == expected
