"""The rules by which the health of a run is judged, each with what to do. docs/health.md explains them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from pretrain.watch import costs, learning, notes
from pretrain.watch.record import Judgement, Record

# A problem concerns what the model learns, and a cost the time that it takes. A note explains a number that may
# frighten, and asks for nothing.
Severity = Literal["problem", "cost", "note"]


@dataclass(frozen=True)
class Rule:
    name: str
    severity: Severity
    judge: Callable[[Record], Iterator[Judgement]]
    help: str


_FORGETTING = "usual help: a lower optimizer.learning_rate, fewer steps, or a share of general text in the corpus"
RULES = (
    Rule(
        "finite", "problem", learning.finite, "usual help: a lower optimizer.learning_rate, from an earlier checkpoint"
    ),
    Rule(
        "generator",
        "problem",
        learning.generator,
        "usual help: a lower optimizer.learning_rate, or a longer schedule.warmup_steps",
    ),
    Rule(
        "replaced all",
        "problem",
        learning.replaced_all,
        "usual help: a lower corruption.temperature or optimizer.learning_rate",
    ),
    Rule(
        "replaced none",
        "problem",
        learning.replaced_none,
        "usual help: a smaller model.generator, a higher masking.rate, or text that repeats itself less",
    ),
    Rule(
        "discriminator",
        "problem",
        learning.discriminator,
        "usual help: a lower optimizer.learning_rate, a smaller model.generator, or another objectives.rtd.weight",
    ),
    Rule(
        "AUC falls",
        "problem",
        learning.auc_falls,
        "usual help: a lower optimizer.learning_rate, or another objectives.rtd.weight",
    ),
    Rule(
        "memorizes",
        "problem",
        learning.memorizes,
        "usual help: more text, fewer schedule.steps, or a higher model.dropout; an earlier checkpoint is better",
    ),
    Rule("generator forgets", "problem", learning.generator_forgets, _FORGETTING),
    Rule("discriminator forgets", "problem", learning.discriminator_forgets, _FORGETTING),
    Rule(
        "gradient",
        "problem",
        learning.gradient,
        "usual help: a lower optimizer.learning_rate or a longer schedule.warmup_steps, from an earlier checkpoint",
    ),
    Rule(
        "data wait",
        "cost",
        costs.waiting,
        "usual help: put the corpus on a local disk, or give the processes more cores",
    ),
    Rule(
        "throughput",
        "cost",
        costs.slower,
        "usual help: look at what else uses the machine, and at the temperature and clock of its GPUs",
    ),
    Rule(
        "held-out rows differ",
        "note",
        notes.held_out_differs,
        "compare evaluations with one another, not with training: rows are held out by document, so a long document "
        "can decide; rows that were trained on before are better known; and dropout acts in training alone",
    ),
    Rule(
        "recall",
        "note",
        notes.low_recall,
        "nothing is wrong: few tokens are replaced, so a discriminator ranks tokens well (AUC) long before its "
        "probabilities pass one half",
    ),
)
