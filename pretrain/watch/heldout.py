"""The evaluations during a run, on two sets of held-out rows.

They are the rows of its own corpus, and rows of general text, which the model should not forget. If the recipe asks for
an average of the weights, it is evaluated on the rows of the corpus too.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import asdict, dataclass

import torch

from configs.common.errors import UserError
from configs.recipe import Recipe
from configs.vocabulary.entries import read_folder
from data_prep.shards import Corpus
from pretrain.run.logs import EvaluationKind, Log
from pretrain.step.engine import Engine
from pretrain.step.world import World
from pretrain.watch.details import details_of, send, send_gradient_norms
from pretrain.watch.health import Watch
from pretrain.watch.scores import evaluate


@dataclass(frozen=True)
class HeldOut:
    """The corpora whose held-out rows are evaluated, by the kind under which their scores are logged."""

    corpora: dict[EvaluationKind, Corpus]
    recipe: Recipe
    world: World
    dtype: torch.dtype

    def look(self, engine: Engine, step: int, log: Log, watch: Watch) -> None:
        """Evaluate and log the scores of this step, unless an earlier start did, and name what is not healthy.

        All processes call it.
        """
        for kind, corpus in self.corpora.items():
            if self.world.any(log.has(kind, step)):
                continue
            corpus_tables = {"data": corpus.data, "masking": corpus.masking}
            num_rows = self.recipe.run.evaluate_rows
            recipe = self.recipe.model_copy(update=corpus_tables)
            with engine.average.in_place() if kind == "average" and engine.average else nullcontext():
                evaluation = evaluate(engine.pair, corpus, recipe, self.world, self.dtype, num_rows)
            if not evaluation:
                continue
            if self.world.is_main:
                details = details_of(kind, step, evaluation, read_folder(corpus.folder))
                log.details(*details)
                send(log.trackers, *details)
            log.evaluation(step, evaluation.scores, kind)
        send_gradient_norms(log.trackers, log.lines, step, self.recipe.run.evaluate_every)
        fresh = watch.new(log.lines)
        verdict = watch.verdict
        log.health(step, verdict.summary, is_ill=verdict.is_ill, findings=[asdict(each) for each in verdict.findings])
        log.trackers.text(step, "health", "\n".join(f"- {line}" for line in verdict.lines()))
        for finding in fresh:
            log.say(finding.announcement)


def check_general(general: Corpus, corpus: Corpus) -> None:
    """Raise UserError when the model that is trained on `corpus` cannot be evaluated on the rows of `general`."""
    if general.manifest.vocabulary.sha256 != corpus.manifest.vocabulary.sha256:
        raise UserError(
            f"--general {general.folder}: has another vocabulary than {corpus.folder}; prepare it with --init-from "
            f"{corpus.folder}"
        )
    check_rows(general, corpus.data.row_length, str(corpus.folder))


def check_rows(general: Corpus, row_length: int, other: str) -> None:
    """Raise UserError when `general` has no held-out rows, or rows of another length than `other`."""
    if general.data.row_length != row_length:
        raise UserError(
            f"--general {general.folder}: has rows of {general.data.row_length} tokens, and {other} of "
            f"{row_length}; prepare it with data.row_length={row_length}"
        )
    if not general.num_rows("validation"):
        raise UserError(
            f"--general {general.folder}: holds no held-out rows; prepare it with a higher data.validation_share"
        )
