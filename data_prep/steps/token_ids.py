"""Writes the documents of a corpus as indexed datasets of Megatron (`electra prepare --megatron`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

from configs.corpus_tables import MaskingTable
from data_prep import words
from data_prep.document import TokenizedDocument
from data_prep.manifest import SPLITS
from data_prep.sources import megatron
from data_prep.steps.base import Step
from data_prep.steps.tokenization import corpus_tokenizer


class WriteTokenIds(Step):
    """Passes documents on, and writes their token ids into `folder`, in one file for each split and task."""

    type = "WRITER"
    name = "Megatron's files"

    def __init__(self, folder: Path, corpus: Path, masking: MaskingTable):
        super().__init__()
        self.folder, self.corpus, self.masking = folder, corpus, masking

    def run(self, data: Iterable[TokenizedDocument], rank: int = 0, world_size: int = 1) -> Iterator[TokenizedDocument]:
        size = corpus_tokenizer(self.corpus, self.masking).vocabulary_size
        with ExitStack() as open_files:
            writers = {
                split: open_files.enter_context(megatron.writer(self.folder / f"{split}-{rank:05d}.bin", size))
                for split in SPLITS
            }
            for tokenized in data:
                _write(tokenized, writers[tokenized.document.split])
                yield tokenized


def _write(tokenized: TokenizedDocument, writer: megatron.Writer) -> None:
    for sentence in tokenized.sentences:
        if len(sentence):
            writer.append(words.split(sentence)[0])
    writer.end_document()
