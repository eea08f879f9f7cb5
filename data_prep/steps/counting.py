"""Counts documents for the report. Documents that are left out of the corpus are not passed on from here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_prep import duplicates
from data_prep.counts import TaskReport
from data_prep.document import SourceDocument
from data_prep.sources.faults import LeftOut
from data_prep.steps.base import Step

# For each reason, the report shows at most 3 documents that were left out, each with its first 300 characters.
_SAMPLES, _SAMPLE_CHARACTERS = 3, 300


class CountDocuments(Step):
    """Counts every document in `report`, and passes on the documents that stay."""

    type = "COUNTER"
    name = "documents"

    def __init__(self, report: TaskReport):
        super().__init__()
        self.report = report

    def run(self, data: Iterable[SourceDocument], rank: int = 0, world_size: int = 1) -> Iterator[SourceDocument]:
        for document in data:
            if document.left_out:
                self._count_left_out(document.left_out)
            elif document.drop_reason:
                self._count_dropped(document)
            else:
                self._count_kept(document)
                yield document

    def _count_left_out(self, left_out: LeftOut) -> None:
        self.report.skipped[left_out.reason] += left_out.count
        samples = self.report.skipped_samples.setdefault(left_out.reason, [])
        if len(samples) < _SAMPLES:
            samples.append(left_out.sentence)

    def _count_dropped(self, document: SourceDocument) -> None:
        if document.copy:
            return
        self.report.dropped[document.drop_reason] += 1
        samples = self.report.dropped_samples.setdefault(document.drop_reason, [])
        if len(samples) < _SAMPLES:
            samples.append(document.text[:_SAMPLE_CHARACTERS])

    def _count_kept(self, document: SourceDocument) -> None:
        source = str(document.source)
        self.report.documents[source] += 1
        self.report.bytes[source] += document.num_bytes
        if not document.copy:
            self.report.invalid_sequences += document.invalid_sequences
            self.report.personal.update(document.personal_data)


class WriteKeys(Step):
    """Passes documents on, and writes the keys of the task's documents, except the keys of copies.

    When the corpus is completed, equal keys show how many documents repeat the text of an earlier document.
    """

    type = "WRITER"
    name = "keys of documents"

    def __init__(self, folder: Path):
        super().__init__()
        self.folder = folder

    def run(self, data: Iterable[SourceDocument], rank: int = 0, world_size: int = 1) -> Iterator[SourceDocument]:
        keys: list[NDArray[np.uint64]] = []
        for document in data:
            if not document.copy:
                keys.append(np.array([document.key], np.uint64))
            yield document
        duplicates.write(self.folder, rank, list(range(len(keys))), keys)
