"""The rates are those of the tables in docs/speed.md, so that no number has two sources."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from configs.common.errors import UserError
from configs.load import load
from launch.rates import LANGUAGES, OPERATORS, OPERATORS_PER_LAYER, PREPARATION, language_of

SPEED = (Path(__file__).parent.parent.parent / "docs/speed.md").read_text(encoding="utf-8")
DAY = re.compile(r"20\d\d-\d\d-\d\d")


def test_preparation_is_that_of_the_table() -> None:
    sizes = re.search(r"^\| \| English, ([\d.]+) MB .* Chinese, ([\d.]+) MB", SPEED, re.MULTILINE)
    rates = re.search(r"^\| `electra prepare small`.*?\| ([\d.]+) \|.*?\|.*?\| ([\d.]+) \|", SPEED, re.MULTILINE)
    tokens = re.search(r"([\d,]+) and ([\d,]+) tokens here", SPEED)
    assert sizes and rates and tokens
    for number, language in enumerate(LANGUAGES.values(), 1):
        assert language.bytes_per_second == float(rates[number]) * 1e6
        assert language.text_bytes == float(sizes[number]) * 1e6
        assert language.tokens == int(tokens[number].replace(",", ""))


def test_a_token_has_so_many_bytes() -> None:
    assert [round(language.bytes_per_token, 2) for language in LANGUAGES.values()] == [4.83, 3.02]


@pytest.mark.parametrize("name", ["small", "base", "large", "zh_small_ex"])
def test_launches_for_each_layer_are_those_of_the_table(name: str) -> None:
    """The embeddings and the heads are a few further operators, so the number for each layer is rounded."""
    row = re.search(rf"^\| `{name}` \| \d+ \| ([\d,]+) \| ([\d,]+) \|", SPEED, re.MULTILINE)
    model = load(name).model
    layers = model.generator.layers + model.discriminator.layers
    assert row
    assert sum(int(cell.replace(",", "")) for cell in row.groups()) / layers == pytest.approx(OPERATORS_PER_LAYER, 0.06)


@pytest.mark.parametrize("source", [PREPARATION, OPERATORS])
def test_a_source_names_a_section_and_its_day(source: str) -> None:
    heading = source.partition("#")[2].replace("-", " ")
    section = re.search(rf"^## {heading}\n(.*?)(?=^## )", SPEED, re.MULTILINE | re.DOTALL | re.IGNORECASE)
    day = DAY.search(source)
    assert section and day and day[0] in section[1]


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(UserError, match="unknown language klingon; there are english, chinese"):
        language_of("klingon")
