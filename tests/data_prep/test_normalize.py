"""Scripts, widths and marks are normalized one step after the other."""

from __future__ import annotations

import pytest

from data_prep.normalize import normalizer


@pytest.mark.parametrize(
    ("steps", "text", "expected"),
    [
        ((), "ＡＢＣ“醫”", "ＡＢＣ“醫”"),
        (("nfkc",), "ＡＢＣ，１２３ﬁ", "ABC,123fi"),
        (("simplified",), "醫學與藥物，頭痛", "医学与药物，头痛"),
        (("traditional",), "医学与药物，头痛", "醫學與藥物，頭痛"),
        (("punctuation",), "“头痛”——‘热’…", "\"头痛\"--'热'..."),
        (("simplified", "punctuation", "nfkc"), "“醫”，Ａ", '"医",A'),
    ],
)
def test_steps(steps: tuple[str, ...], text: str, expected: str) -> None:
    assert normalizer(steps)(text) == expected
