"""Decides which documents are held out for validation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from configs.common import randomness
from data_prep.document import SourceDocument
from data_prep.steps.base import Step


class HoldOut(Step):
    """Puts `share` of the documents into the split "validation", by a hash of their content.

    The hash alone decides, so a text that occurs twice is held out twice or not at all.
    """

    type = "SPLIT"
    name = "held-out documents"

    def __init__(self, share: float, seed: int):
        super().__init__()
        self.share, self.seed = share, seed

    def run(self, data: Iterable[SourceDocument], rank: int = 0, world_size: int = 1) -> Iterator[SourceDocument]:
        for document in data:
            held_out = randomness.uniform(self.seed, "hold out", document.key) < self.share
            document.split = "validation" if held_out else "train"
            yield document
