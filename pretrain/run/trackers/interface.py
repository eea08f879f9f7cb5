"""The interface of a tracker, and the facts about a run that it is given at the start."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from configs.recipe import Recipe, flatten

# Trackers that group runs put them into this project if their own environment variables name no other.
PROJECT = "electra"


class Tracker(Protocol):
    """One program that shows a run. Its methods are called from one thread, and may raise any exception.

    A tag is the name of a chart or picture, such as `loss/total`. The part before the slash groups tags.
    """

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Record numbers by their tag. They may be infinite or NaN."""
        ...

    def text(self, step: int, tag: str, text: str) -> None:
        """Record a text in Markdown."""
        ...

    def histogram(self, step: int, tag: str, counts: np.ndarray, edges: np.ndarray) -> None:
        """Record `counts` [n] of values between `edges` [n + 1], which rise."""
        ...

    def image(self, step: int, tag: str, pixels: np.ndarray) -> None:
        """Record a picture, `pixels` [height, width, 3] of uint8 in RGB."""
        ...

    def close(self, *, failed: bool) -> None:
        """Record the end of this start of the run. `failed` says whether it ended with an error."""
        ...


@dataclass(frozen=True)
class Experiment:
    """One start of a run, as a tracker is told about it."""

    run: Path
    first_step: int
    recipe: Recipe

    @property
    def name(self) -> str:
        return self.run.resolve().name

    @property
    def hparams(self) -> dict[str, bool | int | float | str]:
        """The keys of the recipe by their dotted names. Passwords in locations are left out, and lists are JSON."""
        return {
            key: value if isinstance(value, bool | int | float | str) else json.dumps(value, ensure_ascii=False)
            for key, value in flatten(self.recipe.to_dict()).items()
        }
