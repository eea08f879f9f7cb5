"""The held-out rows that a run looks at on its way: its own, and those of general text, which it should not forget."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from configs.common.errors import UserError
from configs.recipe import Recipe
from data_prep.shards import Corpus
from pretrain.model.pair import ElectraPair
from pretrain.run.logs import EvaluationKind, Log
from pretrain.step.world import World
from pretrain.watch.health import Watch
from pretrain.watch.scores import evaluate


@dataclass(frozen=True)
class HeldOut:
    """What is evaluated, under the name that it is logged by."""

    corpora: dict[EvaluationKind, Corpus]
    recipe: Recipe
    world: World
    dtype: torch.dtype

    def look(self, pair: ElectraPair, step: int, log: Log, watch: Watch) -> None:
        """Evaluate and log what no earlier start has, and warn. All processes call it."""
        for kind, corpus in self.corpora.items():
            if self.world.any(log.has(kind, step)):
                continue
            own = {"data": corpus.data, "masking": corpus.masking}
            num_rows = self.recipe.run.evaluate_rows
            scores = evaluate(pair, corpus, self.recipe.model_copy(update=own), self.world, self.dtype, num_rows)
            # A generator that is built knows nothing before it has learned, so that nothing can be lost.
            learned = self.recipe.initial.generator_steps if self.recipe.initial else 0
            before = log.first(kind, learned)
            log.evaluation(step, scores, kind)
            problems = watch.new(step, scores) if kind == "evaluation" else watch.lost(before, scores)
            for problem in problems:
                log.say(f"warning: {problem}")


def check_general(general: Corpus, corpus: Corpus) -> None:
    """Raises UserError when rows of `general` cannot be evaluated beside those of `corpus`."""
    if general.manifest.vocabulary.sha256 != corpus.manifest.vocabulary.sha256:
        raise UserError(
            f"--general {general.folder}: has another vocabulary than {corpus.folder}; prepare it with --init-from "
            f"{corpus.folder}"
        )
    if general.data.row_length != corpus.data.row_length:
        raise UserError(
            f"--general {general.folder}: has rows of {general.data.row_length} tokens, and {corpus.folder} of "
            f"{corpus.data.row_length}; prepare it with data.row_length={corpus.data.row_length}"
        )
    if not general.num_rows("validation"):
        raise UserError(
            f"--general {general.folder}: holds no held-out rows; prepare it with a higher data.validation_share"
        )
