"""The base class of the steps in this package."""

from __future__ import annotations

from typing import Any

from datatrove.pipeline.base import PipelineStep


class Step(PipelineStep):
    """A datatrove step whose records may have any type.

    datatrove declares that every step takes and yields documents, but it passes on whatever the previous step yields.
    Each subclass states its own types.
    """

    def run(self, data: Any, rank: int = 0, world_size: int = 1) -> Any:
        raise NotImplementedError  # each step's own
