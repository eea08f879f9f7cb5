"""Cuts documents into examples: parts of a document, with one or two segments, that fit into a row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from configs.common import randomness
from configs.corpus_tables import DataTable, MaskingTable
from data_prep.document import TokenizedDocument
from data_prep.manifest import Split
from data_prep.segments import Example, examples
from data_prep.steps.base import Step
from data_prep.steps.tokenization import corpus_tokenizer


class CutExamples(Step):
    """Cuts tokenized documents into examples, and yields (split, example).

    Random choices about a document depend only on its content, the number of its copy and the seed.
    """

    type = "SEGMENTS"
    name = "examples"

    def __init__(self, folder: Path, data: DataTable, masking: MaskingTable, seed: int):
        super().__init__()
        self.folder, self.data, self.masking, self.seed = folder, data, masking, seed

    def run(
        self, data: Iterable[TokenizedDocument], rank: int = 0, world_size: int = 1
    ) -> Iterator[tuple[Split, Example]]:
        special = corpus_tokenizer(self.folder, self.masking).special
        for tokenized in data:
            document = tokenized.document
            key = int(randomness.bits(self.seed, "segments", document.key, document.copy))
            for example in examples(*tokenized.joined(), self.data, special, key):
                yield document.split, example
