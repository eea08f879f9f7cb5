"""The logs of a run: metrics.jsonl, the trackers and the display. Only the first process writes them."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from configs.common.files import write_text
from configs.folders import DISTRIBUTIONS, METRICS, SAMPLES
from configs.schema import Natural
from pretrain.run.display import Display, EvaluationKind
from pretrain.run.distributions import Distributions
from pretrain.run.samples import Samples
from pretrain.run.step_lines import StepFile
from pretrain.run.trackers.fan_out import Trackers
from pretrain.run.trackers.tags import Kind, tag_of


class _Line(BaseModel):
    """The values that a step logged, by name. A value that was not finite is None."""

    model_config = ConfigDict(extra="allow", strict=True, allow_inf_nan=False)
    __pydantic_extra__: dict[str, int | float | None]  # type: ignore[assignment]  pydantic's way to type further keys

    kind: Literal["training", "evaluation", "general", "average"]
    step: Natural


def read_metrics(run: Path) -> list[dict[str, Any]]:
    """Read the complete lines of a run's metrics. A line that is damaged, or was cut by a crash, is left out."""
    path = run / METRICS
    lines = []
    for line in path.read_bytes().split(b"\n") if path.is_file() else ():
        try:
            lines.append(_Line.model_validate_json(line).model_dump())
        except ValidationError:
            continue
    return lines


class Log:
    """The logs, opened for one start of a run. Lines that an earlier start wrote after `first_step` are removed."""

    def __init__(self, run: Path, first_step: int, display: Display, *, active: bool, trackers: Trackers | None = None):
        self._run, self._first_step, self._display, self._active = run, first_step, display, active
        self.trackers = trackers or Trackers()

    def __enter__(self) -> Log:
        if not self._active:
            return self
        kept = [line for line in read_metrics(self._run) if line["step"] <= self._first_step]
        write_text(self._run / METRICS, "".join(json.dumps(line) + "\n" for line in kept))
        self._already = {(line["kind"], line["step"]) for line in kept}
        self._lines = kept
        self._metrics = open(self._run / METRICS, "a", encoding="utf-8")
        self._samples = StepFile(self._run / SAMPLES, Samples, self._first_step)
        self._distributions = StepFile(self._run / DISTRIBUTIONS, Distributions, self._first_step)
        self._display.resume(kept)
        self._display.__enter__()
        self.trackers.open(self.say)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._active:
            return
        self.trackers.close(failed=error is not None)
        self._display.__exit__(kind, error, trace)
        self._metrics.close()

    def say(self, text: str) -> None:
        if self._active:
            self._display.say(text)

    def training(self, step: int, values: dict[str, float]) -> None:
        if not self._active:
            return
        self._write("training", step, values)
        self._display.training(step, values)

    def advance(self, step: int) -> None:
        """Show that a step is done. It is called after every step, and only sets a number."""
        if self._active:
            self._display.advance(step)

    def saved(self, step: int, folder: Path) -> None:
        if self._active:
            self._display.saved(step, folder)

    def health(self, step: int, summary: str, *, is_ill: bool, findings: Sequence[dict[str, Any]]) -> None:
        if self._active:
            self._display.health(step, summary, is_ill=is_ill, findings=findings)

    def has(self, kind: str, step: int) -> bool:
        """Whether an earlier start logged this kind of line for this step. Only the first process knows it."""
        return self._active and (kind, step) in self._already

    @property
    def lines(self) -> Sequence[dict[str, Any]]:
        """All lines of the metrics so far. Only the first process knows them, and the others have none."""
        return self._lines if self._active else ()

    def evaluation(self, step: int, values: dict[str, float], kind: EvaluationKind = "evaluation") -> None:
        if not self._active or not values:
            return
        self._write(kind, step, values)
        self._display.evaluation(step, values, kind)

    def details(self, samples: Samples, distributions: Distributions) -> None:
        """Keep what an evaluation shows beyond its scores, before these are logged.

        An evaluation that was interrupted in between is made again, and then adds no second line here.
        """
        if not self._active:
            return
        self._samples.write(samples)
        self._distributions.write(distributions)

    def _write(self, kind: Kind, step: int, values: dict[str, float]) -> None:
        if (kind, step) in self._already:
            return
        # JSON cannot write NaN or infinity.
        known = {name: value if math.isfinite(value) else None for name, value in values.items()}
        line = {"kind": kind, "step": step, **known}
        self._lines.append(line)
        self._metrics.write(json.dumps(line, allow_nan=False) + "\n")
        self._metrics.flush()
        self.trackers.scalars(step, {tag_of(kind, name): value for name, value in values.items()})
