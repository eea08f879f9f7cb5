"""Rules about what the model learns. The page docs/health.md says where each threshold comes from."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Any

from pretrain.watch.record import Judgement, Record, is_judged

# Runs of earlier versions have not measured the share of the most frequent token, which is 4 to 7 % of a text.
_COMMONEST_SHARE = 0.02
# A generator that samples by token frequency alone hits the original in 1 % of the slots (the sum of the squared
# frequencies is .013 in the text of the demo). The generators of the paper hit it in a third of the slots.
_LOWEST_SAMPLED_ACCURACY = 0.005
_HIGHEST_SAMPLED_ACCURACY = 0.95
# A discriminator that gives the same answer for every token has an AUC of .5. The standard error of the AUC is .005
# with the 5,000 replacements of about 250 rows.
LOWEST_AUC = 0.52
# A fall that is four standard errors, in as many evaluations as chance does not give.
_LARGEST_FALL_OF_AUC = 0.02
_FALLING_EVALUATIONS = 3
# A change of the generator's loss that means something: the rows, masks and samples are the same every time, so chance
# has little effect. .05 nats are 5 % of the perplexity.
_CHANGE_OF_LOSS = 0.05
# The scores on general text may get this much worse before we warn.
_HIGHEST_FALL_OF_GENERAL_AUC = 0.01
# The gradient norm of a run that learns well was once twelve times its usual value for a single logged step, without
# any consequence, and never twice its usual value for longer.
_JUMP_OF_NORM, _LINES_OF_JUMP, _LINES_BEFORE_JUMP = 5, 3, 20


def finite(run: Record) -> Iterator[Judgement]:
    for line in run.lines:
        if line["kind"] != "training":
            yield line["step"], "a score on held-out rows is not finite" if None in line.values() else None


def generator(run: Record) -> Iterator[Judgement]:
    for line in run.judged():
        accuracy, share = line["masked_accuracy"], line.get("commonest_share", _COMMONEST_SHARE)
        sentence = f"the generator predicts {accuracy:.1%} of the masked tokens, and always saying the most frequent "
        yield line["step"], f"{sentence}token predicts {share:.1%}" if accuracy < share else None


def replaced_all(run: Record) -> Iterator[Judgement]:
    for line in run.judged():
        accuracy = line["sampled_accuracy"]
        sentence = f"the generator replaces {1 - accuracy:.1%} of the masked tokens, so its samples are noise that is "
        yield line["step"], f"{sentence}easily found" if accuracy < _LOWEST_SAMPLED_ACCURACY else None


def replaced_none(run: Record) -> Iterator[Judgement]:
    for line in run.judged():
        accuracy = line["sampled_accuracy"]
        sentence = f"the generator replaces {1 - accuracy:.1%} of the masked tokens, so there is hardly anything to "
        yield line["step"], f"{sentence}detect" if accuracy > _HIGHEST_SAMPLED_ACCURACY else None


def discriminator(run: Record) -> Iterator[Judgement]:
    for line in run.judged():
        if "auc" in line:
            sentence = f"the discriminator's AUC is {line['auc']:.3f}, and .5 is chance"
            yield line["step"], sentence if line["auc"] < LOWEST_AUC else None


def auc_falls(run: Record) -> Iterator[Judgement]:
    """A generator that becomes better is harder to detect, so only a fall without that is a fault."""
    best, below = None, 0
    for line in run.judged():
        if "auc" not in line:
            continue
        if best is None or line["auc"] > best["auc"]:
            best = line
        below = below + 1 if best["auc"] - line["auc"] > _LARGEST_FALL_OF_AUC else 0
        stands = best["mlm_loss"] - line["mlm_loss"] < _CHANGE_OF_LOSS
        sentence = (
            f"the discriminator's AUC has fallen from {best['auc']:.3f} at step {best['step']:,} to {line['auc']:.3f} "
            "and the generator has not become better meanwhile"
        )
        yield line["step"], sentence if below >= _FALLING_EVALUATIONS and stands else None


def memorizes(run: Record) -> Iterator[Judgement]:
    """The held-out loss rises from its lowest value while the loss in training falls."""
    best = None
    for line, losses in run.with_training("mlm_loss"):
        now = {"step": line["step"], "held out": line["mlm_loss"], "training": statistics.fmean(losses)}
        if best is None or now["held out"] < best["held out"]:
            best = now
        memorizes = now["held out"] - best["held out"] > _CHANGE_OF_LOSS and now["training"] < best["training"]
        sentence = (
            f"since step {best['step']:,} the generator's loss has risen from {best['held out']:.3f} to "
            f"{now['held out']:.3f} on held-out rows, and fallen from {best['training']:.3f} to {now['training']:.3f} "
            "in training"
        )
        yield line["step"], sentence if memorizes else None


def gradient(run: Record) -> Iterator[Judgement]:
    """A single large gradient is clipped and does no harm, so only several in a row are a fault."""
    norms = [(line["step"], line["gradient_norm"]) for line in run.of("training") if line.get("gradient_norm")]
    for end in range(_LINES_BEFORE_JUMP + _LINES_OF_JUMP, len(norms) + 1):
        step = norms[end - 1][0]
        values = [norm for _, norm in norms[end - _LINES_BEFORE_JUMP - _LINES_OF_JUMP : end]]
        now, usual = min(values[-_LINES_OF_JUMP:]), statistics.median(values[:-_LINES_OF_JUMP])
        sentence = (
            f"the gradient norm is above {now:.1f} in {_LINES_OF_JUMP} logged steps, and it was {usual:.1f} before"
        )
        if is_judged(step, run.recipe.schedule):
            yield step, sentence if now > _JUMP_OF_NORM * usual else None


def generator_forgets(run: Record) -> Iterator[Judgement]:
    for before, line in _on_general_text(run):
        sentence = (
            f"on general text the generator's loss has risen from {before['mlm_loss']:.3f} to {line['mlm_loss']:.3f}"
        )
        yield line["step"], sentence if line["mlm_loss"] - before["mlm_loss"] > _CHANGE_OF_LOSS else None


def discriminator_forgets(run: Record) -> Iterator[Judgement]:
    for before, line in _on_general_text(run):
        if "auc" in line:
            sentence = (
                f"on general text the discriminator's AUC has fallen from {before['auc']:.3f} to {line['auc']:.3f}"
            )
            yield line["step"], sentence if before["auc"] - line["auc"] > _HIGHEST_FALL_OF_GENERAL_AUC else None


def _on_general_text(run: Record) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield each evaluation on general text with the first one, which is the first after a generator learned alone."""
    lines = [line for line in run.scored("general") if line["step"] >= run.learned_alone]
    yield from ((lines[0], line) for line in lines[1:])
