"""Histories made by hand for the tests of the rules of health."""

from __future__ import annotations

from configs.load import load
from pretrain.watch.record import Record
from pretrain.watch.rules import RULES

# small after a million steps (CLUEbenchmark/ELECTRA gives .467, .350 and .976)
TRAINED = {
    "mlm_loss": 2.5,
    "masked_accuracy": 0.467,
    "sampled_accuracy": 0.350,
    "auc": 0.976,
    "commonest_share": 0.05,
}


def evaluated(step: int, kind: str = "evaluation", **scores: float | None) -> dict:
    return {"kind": kind, "step": step, **TRAINED, **scores}


def trained(step: int, **values: float | None) -> dict:
    return {"kind": "training", "step": step, **values}


def judged(rule: str, *lines: dict, overrides: tuple[str, ...] = (), newest_start: int = 0) -> dict[int, str | None]:
    """Return the sentences of a rule by step. The recipe is `tiny`, which is judged from step 200 on."""
    (judge,) = (candidate.judge for candidate in RULES if candidate.name == rule)
    return dict(judge(Record(lines, load("tiny", overrides), newest_start)))
