"""The trackers that a recipe names, as one: every value goes to each of them, and their failures end nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from importlib import import_module

import numpy as np

from configs.common.errors import UserError
from configs.common.pages.figures import Figure
from pretrain.run.trackers.delivery import Delivery, Send
from pretrain.run.trackers.interface import Experiment


def check_trackers(names: Collection[str]) -> None:
    """Import the trackers. Raise UserError if a library is not installed, or wandb has no key for its server."""
    for name in names:
        try:
            module = import_module(f"pretrain.run.trackers.{name}")
        except ImportError as error:
            raise UserError(
                f"run.trackers: {name} cannot be imported ({error}); run `pip install {name}`, or leave it out of "
                "run.trackers"
            ) from None
        if name == "wandb":
            module.check_login()


class Trackers:
    """All trackers of one start of a run. Before `open`, and without names, every method does nothing."""

    def __init__(self, names: Collection[str] = (), experiment: Experiment | None = None):
        self._names, self._experiment = names, experiment
        self._deliveries: dict[str, Delivery] = {}
        self._said = set[str]()

    def open(self, say: Callable[[str], None]) -> None:
        """Start the trackers. `say` prints a warning, at most once for each tracker."""
        self._say = say
        if self._experiment:
            self._deliveries = {name: Delivery(name, self._experiment) for name in self._names}

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Record numbers by their tag."""
        self._put(step, values, lambda tracker, new: tracker.scalars(step, {tag: values[tag] for tag in new}))

    def text(self, step: int, tag: str, text: str) -> None:
        """Record a text in Markdown."""
        self._put(step, [tag], lambda tracker, _: tracker.text(step, tag, text))

    def histogram(self, step: int, tag: str, counts: np.ndarray, edges: np.ndarray) -> None:
        """Record `counts` [n] of values between `edges` [n + 1], which rise."""
        self._put(step, [tag], lambda tracker, _: tracker.histogram(step, tag, counts, edges))

    def image(self, step: int, tag: str, figure: Figure) -> None:
        """Record a picture, which the thread of a tracker draws."""
        self._put(step, [tag], lambda tracker, _: tracker.image(step, tag, figure.pixels))

    def close(self, *, failed: bool) -> None:
        for delivery in self._deliveries.values():
            delivery.close(failed=failed)
        self._report()
        self._deliveries = {}

    def _put(self, step: int, tags: Collection[str], send: Send) -> None:
        for delivery in self._deliveries.values():
            delivery.put(step, tags, send)
        self._report()

    def _report(self) -> None:
        for name, delivery in self._deliveries.items():
            if delivery.problem and name not in self._said:
                self._said.add(name)
                self._say(
                    f"warning: run.trackers: {name} {delivery.problem}; training continues, and metrics.jsonl has "
                    "every value"
                )
