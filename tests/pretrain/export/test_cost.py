"""The sentences about the cost of a quantized network, with numbers worked by hand."""

from __future__ import annotations

import pytest

from pretrain.export.cost import Cost

COST = Cost("AUC", 0.95, 0.9375, "20 段文本", (54.25, 13.5), (0.02, 0.0125), 128)


def test_quality_and_size() -> None:
    assert str(COST) == "int8: AUC 0.9500 in fp32 and 0.9375 in int8 on 20 段文本; 54.2 MB become 13.5 MB"


def test_speed_is_in_milliseconds() -> None:
    assert COST.speed == "int8: 20.0 ms become 12.5 ms for 128 tokens on one thread of this machine"


def test_a_score_that_rises_is_a_negative_loss() -> None:
    assert COST.lost == pytest.approx(0.0125)
    assert Cost("AUC", 0.5, 0.75, "x", (1, 1), (1, 1), 1).lost == -0.25
