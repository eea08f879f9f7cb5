"""SWEEP.toml defines a sweep: a recipe, named variants of it, the seeds, the corpus, and the scores to compare."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from configs.common.errors import UserError, unknown
from configs.load import from_tables, read_toml, validate
from configs.recipe import CORPUS_TABLES, Recipe
from configs.schema import Table
from data_prep.shards import Corpus
from launch.jobs import Stage
from launch.submit import Order

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
# The scores that a run logs of its held-out rows, if it trains a discriminator to detect replaced tokens.
DETECTION = ("auc", "accuracy", "precision", "recall", "best_precision", "best_recall")
_PREDICTION = ("masked_accuracy", "sampled_accuracy")


class _Content(Table):
    """The keys of SWEEP.toml."""

    recipe: str
    corpus: str
    seeds: Annotated[list[Annotated[int, Field(ge=0, lt=2**63)]], Field(min_length=1)]
    scores: Annotated[list[str], Field(min_length=1)]
    recipes: Annotated[dict[str, dict[str, Any]], Field(min_length=1)]
    baseline: str | None = None

    @model_validator(mode="after")
    def _nothing_is_named_twice(self) -> Self:
        for key in ("seeds", "scores"):
            values = getattr(self, key)
            if twice := [value for value in values if values.count(value) > 1]:
                raise ValueError(f"{key}: {twice[0]} is there twice")
        return self

    @model_validator(mode="after")
    def _recipes_have_names(self) -> Self:
        for name, keys in self.recipes.items():
            if not _NAME.fullmatch(name):
                raise ValueError(f"recipes: {name!r} is no name of a folder; use letters, digits, '-', '_' and '.'")
            for key in (*CORPUS_TABLES, "seed", "name"):
                if key in keys:
                    reason = "is taken from the corpus" if key in CORPUS_TABLES else "is set by the sweep"
                    raise ValueError(f"recipes.{name}.{key}: {reason}; leave it out")
        if self.baseline is not None and self.baseline not in self.recipes:
            raise ValueError(f"baseline: {unknown('recipe', self.baseline, self.recipes)}")
        return self


@dataclass(frozen=True)
class Trial:
    """A named recipe with one seed, which becomes one run."""

    name: str
    seed: int
    recipe: Recipe
    order: Order

    @property
    def run(self) -> Path:
        assert self.order.run
        return self.order.run

    def __str__(self) -> str:
        return f"{self.name}, seed {self.seed}"


@dataclass(frozen=True)
class Sweep:
    file: Path
    corpus: Corpus
    seeds: tuple[int, ...]
    scores: tuple[str, ...]
    baseline: str
    keys: dict[str, tuple[str, ...]]  # by recipe: the keys that it changes, as overrides of a command line
    trials: tuple[Trial, ...]  # seed by seed, so that a sweep that is not finished compares recipes too

    def of(self, name: str) -> list[Trial]:
        return [trial for trial in self.trials if trial.name == name]

    def recipe(self, name: str) -> Recipe:
        return self.of(name)[0].recipe


def read_sweep(file: Path, out: Path, nodes: int = 1, processes: int | None = None) -> Sweep:
    """Read a sweep whose runs lie in `out`, each on so many nodes with so many processes.

    Raises UserError for anything that is not a valid sweep: unknown keys, also of the recipes, and two equal recipes.
    """
    content = validate(_Content, read_toml(file), str(file))
    corpus = Corpus(Path(content.corpus))
    if not corpus.num_rows("validation"):
        raise UserError(f"{corpus.folder}: holds no held-out rows; prepare it with a higher data.validation_share")
    keys = {name: tuple(_overrides(tables)) for name, tables in content.recipes.items()}
    trials = [
        _trial(file, content, name, seed, keys[name], out, nodes, processes) for seed in content.seeds for name in keys
    ]
    baseline = content.baseline or next(iter(keys))
    sweep = Sweep(file, corpus, tuple(content.seeds), tuple(content.scores), baseline, keys, tuple(trials))
    _refuse_equal_recipes(sweep)
    for name in keys:
        _refuse_recipe(sweep, name)
    return sweep


def _overrides(tables: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield the keys of nested tables as overrides. A value of JSON is a value of TOML too."""
    for key, value in tables.items():
        if isinstance(value, dict) and value:
            yield from _overrides(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}={json.dumps(value, ensure_ascii=False, default=str)}"


def _trial(
    file: Path,
    content: _Content,
    name: str,
    seed: int,
    keys: tuple[str, ...],
    out: Path,
    nodes: int,
    processes: int | None,
) -> Trial:
    overrides = (*keys, f'name="{name}"', f"seed={seed}")
    run = out / "runs" / name / f"seed-{seed}"
    order = Order(content.recipe, overrides, (Stage.pretrain,), Path(content.corpus), run, nodes, processes)
    tables = order.tables()
    if "discriminator" not in tables.get("model", {}):
        raise UserError(
            f"{file}: recipe: {content.recipe} takes the shape of a released model; name a recipe that states its own, "
            "such as small"
        )
    return Trial(name, seed, from_tables(tables, f"{file}: recipes.{name}"), order)


def _refuse_equal_recipes(sweep: Sweep) -> None:
    names: dict[str, str] = {}
    for name in sweep.keys:
        other = names.setdefault(sweep.recipe(name).fingerprint(), name)
        if other != name:
            raise UserError(
                f"{sweep.file}: recipes.{name}: is the same recipe as {other}; change a key or leave it out"
            )


def _refuse_recipe(sweep: Sweep, name: str) -> None:
    """Raise UserError for objectives that do not fit, and for a recipe that does not log the scores of the sweep."""
    from pretrain.step.memory import num_parameters

    recipe, origin = sweep.recipe(name), f"{sweep.file}: recipes.{name}"
    try:
        num_parameters(recipe)
    except UserError as error:
        raise UserError(f"{origin}: {error}") from None
    if not recipe.run.evaluate_rows:
        raise UserError(f"{origin}: run.evaluate_rows: 0, and the scores of a sweep are those of held-out rows")
    baseline = sweep.recipe(sweep.baseline)
    if recipe.run.evaluate_rows != baseline.run.evaluate_rows:
        raise UserError(
            f"{origin}: run.evaluate_rows: {recipe.run.evaluate_rows}, and {sweep.baseline} has "
            f"{baseline.run.evaluate_rows}; scores are compared on the same rows"
        )
    logged = [*(f"{objective}_loss" for objective in recipe.objectives), *_PREDICTION]
    logged += DETECTION if "rtd" in recipe.objectives else ()
    for score in sweep.scores:
        if score not in logged:
            raise UserError(f"{origin}: scores: {unknown('score', score, logged)}")
