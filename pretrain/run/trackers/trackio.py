"""Trackio: TRACKIO_DIR, TRACKIO_SPACE_ID or TRACKIO_SERVER_URL says where values go."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

import numpy as np
import trackio

from pretrain.run.trackers.interface import PROJECT, Experiment
from pretrain.run.trackers.memory import Memory


def start(experiment: Experiment, memory: Memory) -> Trackio:
    """Begin a run in Trackio, or resume the one in `memory`. Trackio knows a run by its name, so the name is unique."""
    is_new = not memory.ids
    name = memory.ids.setdefault("run", f"{experiment.name}-{secrets.token_hex(4)}")
    run = trackio.init(
        project=PROJECT,
        name=name,
        resume="never" if is_new else "allow",
        config=experiment.hparams,
        embed=False,
    )
    return Trackio(run)


class Trackio:
    """A run in Trackio. Its own thread stores or sends the values."""

    def __init__(self, run: trackio.Run):
        self._run = run

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        self._log(step, dict(values))

    def text(self, step: int, tag: str, text: str) -> None:
        self._log(step, {tag: trackio.Markdown(text)})

    def histogram(self, step: int, tag: str, counts: np.ndarray, edges: np.ndarray) -> None:
        self._log(step, {tag: trackio.Histogram(np_histogram=(counts, edges))})

    def image(self, step: int, tag: str, pixels: np.ndarray) -> None:
        self._log(step, {tag: trackio.Image(pixels)})

    def close(self, *, failed: bool) -> None:
        self._run.finish()

    def _log(self, step: int, values: dict[str, Any]) -> None:
        self._run.log(values, step=step)
