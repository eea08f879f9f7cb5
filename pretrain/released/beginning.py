"""The beginning of a run: its recipe, completed from the corpus, and the weights that the run starts with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from configs.corpus_recipe import describe_taken, take_corpus_tables
from configs.load import from_tables
from configs.recipe import Recipe
from data_prep.shards import Corpus
from pretrain.released.adaptation import recipe_and_weights
from pretrain.released.initialization import InitialWeights
from pretrain.run.continuation import Continuation, complete_tables, open_continuation
from pretrain.step.world import World


@dataclass(frozen=True)
class Beginning:
    """A complete recipe, and the released model or the earlier run that gives the first weights, if there is one."""

    recipe: Recipe
    weights: InitialWeights | None = None
    continuation: Continuation | None = None


@dataclass(frozen=True)
class RecipeRequest:
    """The recipe that a user names, not yet complete, and the model or the earlier run to begin from."""

    name: str
    tables: Mapping[str, Any]  # as `configs.load.read` gives them
    stated: Mapping[str, Any]  # as `configs.load.read_stated` gives them
    init_from: str | None = None
    continue_from: Path | None = None

    def complete(self, corpus: Corpus, run: Path, world: World) -> Beginning:
        """Complete the recipe of `run`. All processes call it, and the first prints what comes from the corpus."""
        corpus_tables = corpus.manifest.recipe.model_dump(mode="json")
        tables = take_corpus_tables(self.tables, self.stated, corpus_tables, corpus.folder)
        if world.is_main and (taken := describe_taken(self.tables, corpus_tables, corpus.folder)):
            print(taken, flush=True)
        source = self.continue_from
        if source:
            continuation = world.first(lambda: open_continuation(source, run))
            recipe = from_tables(complete_tables(tables, continuation, run), self.name)
            return Beginning(recipe, continuation=continuation)
        return Beginning(*recipe_and_weights(tables, self.name, self.init_from, corpus, run))
