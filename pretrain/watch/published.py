"""Scores that others published for models of our recipes, from published.toml."""

from __future__ import annotations

import tomllib
from importlib.resources import files

from configs.load import load
from configs.recipe import Recipe, flatten
from configs.schema import Table

# A run is compared with published scores if it shares these keys and tables with the recipe. What is left are keys that
# others did not publish or that suit a machine, such as how many maskings of a row are stored.
_COMPARED = (
    "data.row_length",
    "vocabulary.size",
    "masking.rate",
    "corruption",
    "model",
    "objectives",
    "optimizer",
    "schedule",
    "batch.rows",
    "initial",
)


class Published(Table):
    recipe: str
    model: str
    measure: str
    scores: dict[str, float]
    """Task -> score, in percent."""
    source: str


def published_for(recipe: Recipe) -> list[Published]:
    """Return the scores of models that were trained by this recipe."""
    compared = _compared(recipe)
    return [result for result in read_published() if _compared(load(result.recipe)) == compared]


def read_published() -> list[Published]:
    table = tomllib.loads((files("pretrain.watch") / "published.toml").read_text(encoding="utf-8"))
    return [Published.model_validate(result) for result in table["results"]]


def _compared(recipe: Recipe) -> dict[str, object]:
    keys = flatten(recipe.to_dict())
    return {key: value for key, value in keys.items() if key.startswith(_COMPARED)}
