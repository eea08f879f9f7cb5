"""Warnings when the pair no longer learns.

A collapse is recognised in the scores on held-out rows, and each warning says what usually helps.
"""

from __future__ import annotations

from configs.training_tables import ScheduleTable

# A discriminator that gives the same answer for every token has an AUC of .5. The standard error of the AUC is .005
# with the 5,000 replacements of about 250 rows. After 250 steps of `make demo` the AUC is .58.
_LOWEST_AUC = 0.52
# The most frequent token is 4 to 6 % of a text, so a generator that always predicts it is right that often.
_LOWEST_MASKED_ACCURACY = 0.02
# A generator that samples by token frequency alone hits the original in 1 % of the slots (the sum of the squared
# frequencies). The generators of the paper hit it in a third of the slots.
_LOWEST_SAMPLED_ACCURACY = 0.005
_HIGHEST_SAMPLED_ACCURACY = 0.95
# A pair is not judged before this many steps, because no pair learns anything in fewer.
_FEWEST_STEPS = 100
# The scores on general text may get this much worse before we warn. The rows, masks and samples are the same every
# time, so chance has little effect. A rise of .05 nats is 5 % of the perplexity.
_HIGHEST_RISE_OF_LOSS = 0.05
_HIGHEST_FALL_OF_AUC = 0.01


def is_judged(step: int, schedule: ScheduleTable) -> bool:
    """Whether a pair must have learned something: after twice the warm-up, 2 % of the run and `_FEWEST_STEPS` steps."""
    return step >= max(2 * schedule.warmup_steps, schedule.steps / 50, _FEWEST_STEPS)


def problems(scores: dict[str, float]) -> dict[str, str]:
    """Return a sentence for each kind of problem in the held-out scores of a pair that must have learned something."""
    sentence_by_kind = {}
    if scores["masked_accuracy"] < _LOWEST_MASKED_ACCURACY:
        sentence_by_kind["generator"] = (
            f"the generator predicts {scores['masked_accuracy']:.1%} of the masked tokens, less than who always says "
            "the most frequent one; usual help: a lower optimizer.learning_rate, or a longer schedule.warmup_steps"
        )
    if scores["sampled_accuracy"] < _LOWEST_SAMPLED_ACCURACY:
        sentence_by_kind["replaced all"] = (
            f"the generator replaces {1 - scores['sampled_accuracy']:.1%} of the masked tokens, so its samples are "
            "noise that is easily found; usual help: a lower corruption.temperature or optimizer.learning_rate"
        )
    if scores["sampled_accuracy"] > _HIGHEST_SAMPLED_ACCURACY:
        sentence_by_kind["replaced none"] = (
            f"the generator replaces {1 - scores['sampled_accuracy']:.1%} of the masked tokens, so there is hardly "
            "anything to detect; usual help: a smaller model.generator, a higher masking.rate, or text that repeats "
            "itself less"
        )
    if "auc" in scores and scores["auc"] < _LOWEST_AUC:
        sentence_by_kind["discriminator"] = (
            f"the discriminator's AUC is {scores['auc']:.3f}, and .5 is chance; usual help: a lower "
            "optimizer.learning_rate, a smaller model.generator, or another objectives.rtd.weight"
        )
    return sentence_by_kind


def forgotten(before: dict[str, float], scores: dict[str, float]) -> dict[str, str]:
    """Return a sentence for each kind of loss on general text, from held-out scores at the start (`before`) and now."""
    sentence_by_kind, help = (
        {},
        "usual help: a lower optimizer.learning_rate, fewer steps, or a share of general text in the corpus",
    )
    rise = scores["mlm_loss"] - before["mlm_loss"]
    if rise > _HIGHEST_RISE_OF_LOSS:
        sentence_by_kind["generator forgets"] = (
            f"on general text the generator's loss has risen from {before['mlm_loss']:.3f} to "
            f"{scores['mlm_loss']:.3f}; {help}"
        )
    if "auc" in scores and before["auc"] - scores["auc"] > _HIGHEST_FALL_OF_AUC:
        sentence_by_kind["discriminator forgets"] = (
            f"on general text the discriminator's AUC has fallen from {before['auc']:.3f} to {scores['auc']:.3f}; "
            f"{help}"
        )
    return sentence_by_kind


class Watch:
    """Reports every kind of problem only once."""

    def __init__(self, schedule: ScheduleTable):
        self._schedule, self._named = schedule, set[str]()

    def new(self, step: int, scores: dict[str, float]) -> list[str]:
        """Return sentences on problems that first show at `step`. Without held-out rows (no scores) there are none."""
        return self._unnamed(problems(scores) if scores and is_judged(step, self._schedule) else {})

    def lost(self, before: dict[str, float] | None, scores: dict[str, float]) -> list[str]:
        """Return sentences on losses on general text since `before` that were not reported yet."""
        return self._unnamed(forgotten(before, scores) if before and scores else {})

    def _unnamed(self, sentence_by_kind: dict[str, str]) -> list[str]:
        sentences = [sentence for kind, sentence in sentence_by_kind.items() if kind not in self._named]
        self._named |= sentence_by_kind.keys()
        return sentences
