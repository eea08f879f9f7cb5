"""Published scores belong to shipped recipes, and are shown for runs of the same recipe alone."""

from __future__ import annotations

import pytest

from configs.load import load
from pretrain.watch.published import published_for, read_published


@pytest.mark.parametrize(
    ("recipe", "overrides", "number"),
    [
        ("small", (), 2),
        ("small", ("seed=5", "batch.micro_rows=8", "masking.maskings=3", "data.sources=text"), 2),
        ("small", ("schedule.steps=20000",), 0),
        ("small", ("masking.rate=0.2",), 0),
        ("small", ("vocabulary.size=8000",), 0),
        ("small", ("model.dropout=0.0",), 0),
        ("tiny", (), 0),
        ("legal", (), 0),
    ],
)
def test_only_the_same_recipe_is_compared(recipe: str, overrides: tuple[str, ...], number: int) -> None:
    assert len(published_for(load(recipe, list(overrides)))) == number


def test_every_entry_is_shown_for_its_recipe_and_names_its_source() -> None:
    for entry in read_published():
        assert entry in published_for(load(entry.recipe))
        assert entry.source.startswith("github.com/") and all(0 < score < 100 for score in entry.scores.values())
