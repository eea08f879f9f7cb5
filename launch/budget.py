"""`electra plan --budget` estimates which shapes, how many tokens and which schedule fit into hours of GPUs.

The tokens per second of a shape are those of `electra plan`, a range whose ends have a source. The tokens that a shape
needs are those of its recipe, which are the published ones. So the only arithmetic here is division.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from configs.common.errors import UserError
from configs.load import load, read, shipped
from configs.recipe import Recipe
from launch.gpus import PRODUCTS
from launch.plan import Plan, plan, span
from launch.throughput import practice

# A run that is shorter than its recipe keeps the warm-up of the recipe, but warms up in at most this share of its
# steps. With a warm-up of 50 instead of 10,000 steps, `small` learns nothing (docs/log.md).
_LONGEST_WARMUP = 0.1
# The decay of a run with the schedule wsd takes this share of its steps (MiniCPM, arXiv 2404.06395).
_DECAY = 0.1


@dataclass(frozen=True)
class Fit:
    """What one recipe can do within a budget. Of each pair, the first is for the lower tokens per second."""

    plan: Plan
    hours: float

    @property
    def tokens(self) -> tuple[float, float]:
        least, most = self.plan.hours
        return self.plan.tokens * self.hours / most, self.plan.tokens * self.hours / least

    @property
    def steps(self) -> tuple[int, int]:
        """Return the steps of the recipe's batch that fit, rounded down to two digits."""
        low, high = (_two_digits(int(self.plan.recipe.schedule.steps * share)) for share in self.shares)
        return low, high

    @property
    def shares(self) -> tuple[float, float]:
        """Return how many times the budget holds the run that the recipe states."""
        least, most = self.plan.hours
        return self.hours / most, self.hours / least


def fits(recipe: Recipe, hours: float, gpus: int, gpu: str) -> tuple[list[Fit], list[str]]:
    """Return the fits of the recipe and of the other shipped recipes with a vocabulary of its size, the smallest first.

    The second list has a sentence for each recipe that these GPUs cannot train. Raises UserError if this is so for the
    recipe itself.
    """
    first = Fit(plan(recipe, gpus, gpu), hours)
    others, reasons = [], []
    for other in _of_its_vocabulary(recipe):
        try:
            others.append(Fit(plan(other, gpus, gpu), hours))
        except UserError as error:
            reasons.append(f"{other.name}: {str(error).removeprefix(f'{other.name}: ')}")
    return sorted([*others, first], key=lambda fit: fit.plan.parameters), reasons


def lines(recipe: Recipe, hours: float, gpus: int, gpu: str) -> Iterator[str]:
    """Yield the answer as lines for people to read."""
    everything, reasons = fits(recipe, hours, gpus, gpu)
    own = next(fit for fit in everything if fit.plan.recipe is recipe)
    yield f"an estimate of what fits into {hours:g} hours of {gpus} x {gpu} ({own.plan.gpu.sheet})"
    yield f"  {'recipe':<14}{'parameters':>13}  {'tokens/s':<24}{'G tokens':<18}times its own run"
    yield from (_row(fit) for fit in everything)
    yield from (f"  {reason}" for reason in reasons)
    yield _largest(everything)
    yield from _schedules(own)
    yield from _sources(everything)


def _of_its_vocabulary(recipe: Recipe) -> Iterator[Recipe]:
    for name in shipped():
        if "discriminator" in read(name).get("model", {}) and name != recipe.name:
            other = load(name)
            if other.vocabulary.size == recipe.vocabulary.size:
                yield other


def _row(fit: Fit) -> str:
    rate, gpus = fit.plan.throughput, fit.plan.gpus
    tokens = span(*(number / 1e9 for number in fit.tokens))
    return (
        f"  {fit.plan.recipe.name:<14}{fit.plan.parameters:>13,}  {span(rate.low * gpus, rate.high * gpus):<24}"
        f"{tokens:<18}{span(*fit.shares)}"
    )


def _two_digits(number: int) -> int:
    unit = 10 ** max(0, len(str(number)) - 2)
    return number // unit * unit


def _largest(everything: Sequence[Fit]) -> str:
    """Return a sentence about the largest shape whose own run fits. Its ends follow from the range of tokens/s."""
    surely = [fit.plan.recipe.name for fit in everything if fit.shares[0] >= 1]
    perhaps = [fit.plan.recipe.name for fit in everything if fit.shares[1] >= 1]
    if not perhaps:
        return "no recipe's own run fits; a shorter run of the smallest one learns most of what fits"
    if not surely:
        return f"the own run of {perhaps[-1]} fits at the higher tokens/s alone, and no recipe's at the lower"
    if surely[-1] == perhaps[-1]:
        return f"the largest recipe whose own run fits is {surely[-1]}"
    return f"the largest recipe whose own run fits is {surely[-1]}, and {perhaps[-1]} at the higher tokens/s"


def _schedules(fit: Fit) -> Iterator[str]:
    recipe, (low, high) = fit.plan.recipe, fit.steps
    if not low:
        yield f"not one step of {recipe.name} fits at the lower tokens/s"
        return
    warmup = min(recipe.schedule.warmup_steps, int(_LONGEST_WARMUP * low))
    decay = f" schedule.decay_steps={int(_DECAY * low)}" if recipe.schedule.shape == "wsd" else ""
    yield f"schedules of {recipe.name}:"
    yield (
        f"  certain      schedule.steps={low} schedule.warmup_steps={warmup}{decay}: the {recipe.schedule.shape} decay "
        "of the recipe, at the lower tokens/s"
    )
    if high > low:
        keys = f"schedule.steps={high} schedule.warmup_steps={warmup} schedule.shape=wsd schedule.decay_steps=0"
        yield f"  flexible     {keys}:"
        yield (
            f"               train at the highest rate until {1 - _DECAY:.0%} of the time is used, then decay in a run "
            "with --continue-from (docs/pretrain.md)"
        )


def _sources(everything: Sequence[Fit]) -> Iterator[str]:
    yield "sources:"
    yield "  own run      schedule.steps x batch.rows x data.row_length of each recipe, which names its paper or code"
    yield f"  warm-up      the recipe's, in at most {_LONGEST_WARMUP:.0%} of the steps (docs/log.md)"
    yield f"  decay        {_DECAY:.0%} of the time (MiniCPM, arXiv 2404.06395)"
    for source, names in _sources_of_speed(everything).items():
        yield f"  tokens/s     {', '.join(names)}: {source}"


def _sources_of_speed(everything: Sequence[Fit]) -> dict[str, list[str]]:
    """Return the names of the recipes by the source of their tokens per second."""
    names: dict[str, list[str]] = {}
    for fit in everything:
        share, who = practice(fit.plan.recipe)
        source = fit.plan.throughput.source or (
            f"at best the roofline, {PRODUCTS:.0%} of the products (launch/roofline.py), at worst {share:.1%}: {who}"
        )
        names.setdefault(source, []).append(fit.plan.recipe.name)
    return names
