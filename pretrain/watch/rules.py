"""The rules by which the health of a run is judged. The page docs/health.md has the source of each threshold."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from configs.recipe import Recipe
from configs.training_tables import ScheduleTable
from pretrain.run.logs import EvaluationKind

# A problem concerns what the model learns, and a cost the time that it takes. A note explains a number that may
# frighten, and asks for nothing.
Severity = Literal["problem", "cost", "note"]
# The step at which a rule was tried, and the sentence of a fault, or None.
Judgement = tuple[int, str | None]

# A pair is not judged before this many steps, because no pair learns anything in fewer.
_FEWEST_STEPS = 100
# Runs of earlier versions have not measured the share of the most frequent token, which is 4 to 7 % of a text.
_COMMONEST_SHARE = 0.02
# A generator that samples by token frequency alone hits the original in 1 % of the slots (the sum of the squared
# frequencies is .013 in the text of the demo). The generators of the paper hit it in a third of the slots.
_LOWEST_SAMPLED_ACCURACY = 0.005
_HIGHEST_SAMPLED_ACCURACY = 0.95
# A discriminator that gives the same answer for every token has an AUC of .5. The standard error of the AUC is .005
# with the 5,000 replacements of about 250 rows.
_LOWEST_AUC = 0.52
# A fall that is four standard errors, in as many evaluations as chance does not give.
_LARGEST_FALL_OF_AUC = 0.02
_FALLING_EVALUATIONS = 3
# A change of the generator's loss that means something: the rows, masks and samples are the same every time, so chance
# has little effect. .05 nats are 5 % of the perplexity.
_CHANGE_OF_LOSS = 0.05
# The scores on general text may get this much worse before we warn.
_HIGHEST_FALL_OF_GENERAL_AUC = 0.01


def is_judged(step: int, schedule: ScheduleTable) -> bool:
    """Whether a pair must have learned something: after twice the warm-up, 2 % of the run and `_FEWEST_STEPS` steps."""
    return step >= max(2 * schedule.warmup_steps, schedule.steps / 50, _FEWEST_STEPS)


@dataclass(frozen=True)
class Record:
    """What the rules read of a run: the lines of its metrics by ascending step, its recipe, and its newest start."""

    lines: Sequence[dict[str, Any]]
    recipe: Recipe
    newest_start: int = 0

    @property
    def last_step(self) -> int:
        return self.lines[-1]["step"] if self.lines else 0

    @property
    def learned_alone(self) -> int:
        """The step until which a new generator is trained alone; it knows nothing before."""
        return self.recipe.initial.generator_steps if self.recipe.initial else 0

    def of(self, kind: EvaluationKind | Literal["training"]) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["kind"] == kind]

    def scored(self, kind: EvaluationKind = "evaluation") -> list[dict[str, Any]]:
        """Return the evaluations of which every score is finite."""
        return [line for line in self.of(kind) if None not in line.values()]

    def judged(self) -> list[dict[str, Any]]:
        return [line for line in self.scored() if is_judged(line["step"], self.recipe.schedule)]


@dataclass(frozen=True)
class Rule:
    name: str
    severity: Severity
    judge: Callable[[Record], Iterator[Judgement]]
    help: str


def _finite(run: Record) -> Iterator[Judgement]:
    for line in run.lines:
        if line["kind"] != "training":
            yield line["step"], "a score on held-out rows is not finite" if None in line.values() else None


def _generator(run: Record) -> Iterator[Judgement]:
    for line in run.judged():
        accuracy, share = line["masked_accuracy"], line.get("commonest_share", _COMMONEST_SHARE)
        sentence = f"the generator predicts {accuracy:.1%} of the masked tokens, and always saying the most frequent "
        yield line["step"], f"{sentence}token predicts {share:.1%}" if accuracy < share else None


def _replaced_all(run: Record) -> Iterator[Judgement]:
    for line in run.judged():
        accuracy = line["sampled_accuracy"]
        sentence = f"the generator replaces {1 - accuracy:.1%} of the masked tokens, so its samples are noise that is "
        yield line["step"], f"{sentence}easily found" if accuracy < _LOWEST_SAMPLED_ACCURACY else None


def _replaced_none(run: Record) -> Iterator[Judgement]:
    for line in run.judged():
        accuracy = line["sampled_accuracy"]
        sentence = f"the generator replaces {1 - accuracy:.1%} of the masked tokens, so there is hardly anything to "
        yield line["step"], f"{sentence}detect" if accuracy > _HIGHEST_SAMPLED_ACCURACY else None


def _discriminator(run: Record) -> Iterator[Judgement]:
    for line in run.judged():
        if "auc" in line:
            sentence = f"the discriminator's AUC is {line['auc']:.3f}, and .5 is chance"
            yield line["step"], sentence if line["auc"] < _LOWEST_AUC else None


def _auc_falls(run: Record) -> Iterator[Judgement]:
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


def _memorizes(run: Record) -> Iterator[Judgement]:
    """The held-out loss rises from its lowest value while the loss in training falls."""
    training, best = run.of("training"), None
    for before, line in pairwise([{"step": -1}, *run.scored()]):
        losses = [
            value["mlm_loss"]
            for value in training
            if before["step"] < value["step"] <= line["step"] and value["mlm_loss"] is not None
        ]
        if not losses:
            continue
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


def _generator_forgets(run: Record) -> Iterator[Judgement]:
    for before, line in _on_general_text(run):
        sentence = (
            f"on general text the generator's loss has risen from {before['mlm_loss']:.3f} to {line['mlm_loss']:.3f}"
        )
        yield line["step"], sentence if line["mlm_loss"] - before["mlm_loss"] > _CHANGE_OF_LOSS else None


def _discriminator_forgets(run: Record) -> Iterator[Judgement]:
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


_FORGETTING = "usual help: a lower optimizer.learning_rate, fewer steps, or a share of general text in the corpus"
RULES = (
    Rule("finite", "problem", _finite, "usual help: a lower optimizer.learning_rate, from an earlier checkpoint"),
    Rule(
        "generator",
        "problem",
        _generator,
        "usual help: a lower optimizer.learning_rate, or a longer schedule.warmup_steps",
    ),
    Rule(
        "replaced all",
        "problem",
        _replaced_all,
        "usual help: a lower corruption.temperature or optimizer.learning_rate",
    ),
    Rule(
        "replaced none",
        "problem",
        _replaced_none,
        "usual help: a smaller model.generator, a higher masking.rate, or text that repeats itself less",
    ),
    Rule(
        "discriminator",
        "problem",
        _discriminator,
        "usual help: a lower optimizer.learning_rate, a smaller model.generator, or another objectives.rtd.weight",
    ),
    Rule(
        "AUC falls",
        "problem",
        _auc_falls,
        "usual help: a lower optimizer.learning_rate, or another objectives.rtd.weight",
    ),
    Rule(
        "memorizes",
        "problem",
        _memorizes,
        "usual help: more text, fewer schedule.steps, or a higher model.dropout; an earlier checkpoint is better",
    ),
    Rule("generator forgets", "problem", _generator_forgets, _FORGETTING),
    Rule("discriminator forgets", "problem", _discriminator_forgets, _FORGETTING),
)
