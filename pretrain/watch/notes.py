"""Rules for numbers that may frighten though nothing is wrong. docs/health.md says where each threshold comes from."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from pretrain.watch.learning import LOWEST_AUC
from pretrain.watch.record import Judgement, Record, is_judged

# Masked accuracy differs from that in training by at most 13 % of it where no document dominates the held-out rows, and
# by 33 to 66 % in the demo, where one document has a quarter of them.
# The last five lines are compared, because accuracy rises while a model learns.
_LARGEST_DIFFERENCE, _LINES = 0.2, 5
# The demo ends with a recall of .006 at an AUC of .59. A small pair has .61 at .976 after a million steps
# (CLUEbenchmark/ELECTRA).
_LOW_RECALL = 0.1
_DETECTION = {"auc", "recall", "best_threshold", "best_precision", "best_recall"}


def held_out_differs(run: Record) -> Iterator[Judgement]:
    if run.recipe.corruption.masking_rate_end is not None:
        return  # Held-out rows keep all their masked positions, and rows of training fewer and fewer.
    for line, values in run.with_training("masked_accuracy"):
        if len(values) >= _LINES and is_judged(line["step"], run.recipe.schedule):
            held_out, training = line["masked_accuracy"], statistics.fmean(values[-_LINES:])
            sentence = f"masked accuracy is {held_out:.1%} on held-out rows and {training:.1%} in training"
            is_far = abs(held_out - training) > _LARGEST_DIFFERENCE * training
            yield line["step"], sentence if is_far else None


def low_recall(run: Record) -> Iterator[Judgement]:
    for line in run.judged():
        if line.keys() >= _DETECTION:  # which runs of earlier versions did not log
            sentence = (
                f"the discriminator gives a probability of one half to {line['recall']:.1%} of the replaced tokens; at "
                f"{line['best_threshold']:.2f}, its best threshold, it finds {line['best_recall']:.1%} of them, and "
                f"{line['best_precision']:.1%} of the tokens above are replaced"
            )
            yield line["step"], sentence if line["recall"] < _LOW_RECALL and line["auc"] >= LOWEST_AUC else None
