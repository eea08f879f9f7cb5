"""The table `[corruption]` of a recipe. Two of its values may fall over a run: the temperature and the masking rate."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from configs.schema import Count, Natural, Positive, Share, Table


class CorruptionTable(Table):
    """The token that the generator sees in a slot, the sampling of its replacement, and a falling number of slots."""

    mask: Share
    """Share of the slots in which the generator sees [MASK]."""
    random: Share
    """Share of the slots in which the generator sees a random id."""
    keep: Share
    """Share of the slots in which the generator sees the original."""
    temperature: Positive
    """The logits of the generator are divided by it before a replacement is sampled."""
    temperature_start: Positive | None = None
    """The temperature of the first step. It is above `temperature`, and falls linearly to it. A high temperature gives
    replacements that are easy to detect (Fast-ELECTRA). Without this key the temperature is always the same. After
    `--continue-from` the updates of the earlier run count as steps."""
    temperature_steps: Count | None = None
    """Number of steps in which the temperature falls from `temperature_start` to `temperature`."""
    masking_rate_end: Annotated[float, Field(gt=0, lt=1)] | None = None
    """The masking rate after `masking_rate_steps` steps. It is below `masking.rate`, with which the run begins and the
    corpus was prepared. In between the rate falls linearly: each step uses a part of the masked positions. Without this
    key the rate is always the same. After `--continue-from` the updates of the earlier run count as steps."""
    masking_rate_steps: Count | None = None
    """Number of steps in which the masking rate falls from `masking.rate` to `masking_rate_end`, which are usually all
    steps of the run."""
    candidates: Natural
    """Number of further tokens that are drawn for every slot, without replacement and never the original. Objectives
    that choose among candidates use them."""

    @model_validator(mode="after")
    def _shares_sum_to_one(self) -> Self:
        total = self.mask + self.random + self.keep
        if abs(total - 1) > 1e-9:
            raise ValueError(f"mask + random + keep: {total:g}, and they must sum to 1")
        return self

    @model_validator(mode="after")
    def _temperature_falls(self) -> Self:
        if (self.temperature_start is None) != (self.temperature_steps is None):
            missing = "temperature_start" if self.temperature_start is None else "temperature_steps"
            raise ValueError(f"{missing}: missing; temperature_start and temperature_steps are stated together")
        if self.temperature_start is not None and self.temperature_start <= self.temperature:
            raise ValueError(
                f"temperature_start: {self.temperature_start:g} is not above temperature ({self.temperature:g})"
            )
        return self

    @model_validator(mode="after")
    def _the_masking_rate_falls_in_steps(self) -> Self:
        if (self.masking_rate_end is None) != (self.masking_rate_steps is None):
            missing = "masking_rate_end" if self.masking_rate_end is None else "masking_rate_steps"
            raise ValueError(f"{missing}: missing; masking_rate_end and masking_rate_steps are stated together")
        return self

    def temperature_at(self, step: int) -> float:
        """Return the temperature of a step. Steps are counted from 0."""
        if self.temperature_start is None or self.temperature_steps is None:
            return self.temperature
        left = max(0.0, 1 - step / self.temperature_steps)
        return self.temperature + left * (self.temperature_start - self.temperature)

    def masking_rate_at(self, step: int, highest: float) -> float:
        """Return the masking rate of a step, given the rate of the corpus. Steps are counted from 0."""
        if self.masking_rate_end is None or self.masking_rate_steps is None:
            return highest
        passed = min(1.0, step / self.masking_rate_steps)
        return (1 - passed) * highest + passed * self.masking_rate_end
