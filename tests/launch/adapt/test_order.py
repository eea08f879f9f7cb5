"""The texts of an adaptation become the sources of a recipe."""

from __future__ import annotations

from pathlib import Path

import pytest

from configs.load import load
from launch.adapt.order import Order


@pytest.mark.parametrize(
    ("texts", "paths"),
    [
        (("my_text",), ["my_text"]),
        (("2024_01",), ["2024_01"]),  # a number of TOML, which would lose its underscore
        (("2024",), ["2024"]),
        (("true", "1e5"), ["true", "1e5"]),
        (("2024_01", "a folder"), ["2024_01", "a folder"]),
        (('{path="a", weight=2.0}', "b"), ["a", "b"]),
        (('["a", "b"]',), ["a", "b"]),
    ],
)
def test_a_text_keeps_its_name(texts: tuple[str, ...], paths: list[str]) -> None:
    recipe = load("tiny", [Order("model", texts, Path("out")).domain_sources()])
    assert [source.path for source in recipe.data.sources] == paths
