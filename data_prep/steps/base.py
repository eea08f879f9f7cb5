"""The base class of our steps."""

from __future__ import annotations

from typing import Any

from datatrove.pipeline.base import PipelineStep


class Step(PipelineStep):
    """A step of datatrove whose records may be of any type.

    datatrove types every step from documents to documents, but passes on whatever the step before yields. Each subclass
    states its own types.
    """

    def run(self, data: Any, rank: int = 0, world_size: int = 1) -> Any:
        raise NotImplementedError
