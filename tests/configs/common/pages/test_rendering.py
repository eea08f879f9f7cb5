"""Numbers as people read them, and figures that are parts of the page."""

from __future__ import annotations

import base64

import pytest

from configs.common.pages.figures import Interval, Series, curves, intervals, pairs
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


def test_figures_are_images_without_outside_resources_and_the_same_every_time() -> None:
    drawn = [
        [
            curves("Loss", "step", [Series("held out", [0, 1], [2.0, 1.5]), Series("t", [1], [1.8], True)], "falls"),
            intervals("AUC", [Interval("before", 0.5, 0.4, 0.6), Interval("after", 0.7, 0.6, 0.8)], "rises"),
            pairs("task", ("before", "after"), [(60.0, 62.0), (61.0, 60.5)], "by seed"),
        ]
        for _ in range(2)
    ]
    assert drawn[0] == drawn[1]
    for image in drawn[0]:
        head, _, content = image.source.partition(",")
        assert head == "data:image/svg+xml;base64"
        svg = base64.b64decode(content).decode()
        assert "<svg" in svg
        assert "@import" not in svg
        assert "url(http" not in svg
