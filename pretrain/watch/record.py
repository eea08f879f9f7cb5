"""What the rules of health read of a run, and from which step on a pair is judged."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from configs.recipe import Recipe
from configs.update_tables import ScheduleTable
from pretrain.run.logs import EvaluationKind

# The step at which a rule was tried, and the sentence of a fault, or None.
Judgement = tuple[int, str | None]

# A pair is not judged before this many steps, because no pair learns anything in fewer.
_FEWEST_STEPS = 100
_SCORES = {"mlm_loss", "masked_accuracy", "sampled_accuracy"}


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
        """Return the evaluations with all scores of every pair, of which each is finite. A damaged line has fewer."""
        return [line for line in self.of(kind) if line.keys() >= _SCORES and None not in line.values()]

    def judged(self) -> list[dict[str, Any]]:
        return [line for line in self.scored() if is_judged(line["step"], self.recipe.schedule)]

    def with_training(self, name: str) -> Iterator[tuple[dict[str, Any], list[float]]]:
        """Yield each evaluation with the values that were logged in training since the evaluation before it."""
        training = [(line["step"], line[name]) for line in self.of("training") if line.get(name) is not None]
        steps = [step for step, _ in training]
        begin = 0
        for line in self.scored():
            end = bisect_right(steps, line["step"])
            if end > begin:
                yield line, [value for _, value in training[begin:end]]
            begin = end

    def since_start(self, name: str) -> list[tuple[int, float]]:
        """Return (step, value) for each line of training since the newest start."""
        lines = [line for line in self.of("training") if line["step"] > self.newest_start]
        return [(line["step"], line[name]) for line in lines if line.get(name) is not None]
