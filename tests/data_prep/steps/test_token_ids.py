"""Documents are passed on, and their ids lie in the files of Megatron, one file for each split and task."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from configs.load import load
from data_prep.document import SourceDocument, TokenizedDocument
from data_prep.manifest import Split
from data_prep.sources import megatron
from data_prep.steps.token_ids import WriteTokenIds
from data_prep.words import CONTINUES

MASKING = load("tiny").masking


def document(split: Split, *sentences: list[int]) -> TokenizedDocument:
    tokens = np.concatenate([np.array(ids, np.uint32) for ids in sentences])
    starts = np.cumsum([0, *map(len, sentences)])
    return TokenizedDocument(SourceDocument("", "x", split=split), [(tokens, starts)])


def test_ids_without_their_flags(vocabulary_folder: Path) -> None:
    documents = [
        document("train", [5, 6 | int(CONTINUES), 7], [], [8]),
        document("validation", [9]),
        document("train", []),
        document("train", [30]),
    ]
    step = WriteTokenIds(vocabulary_folder, vocabulary_folder, MASKING)
    assert list(step.run(documents, 3)) == documents
    train, validation = (vocabulary_folder / f"{split}-00003.bin" for split in ("train", "validation"))
    stored = [[ids.tolist() for ids in one] for one in megatron.documents(train, 0, megatron.num_documents(train))]
    assert stored == [[[5, 6, 7], [8]], [], [[30]]]
    assert megatron.num_documents(validation) == 1


def test_a_task_without_documents_has_empty_files(vocabulary_folder: Path) -> None:
    assert list(WriteTokenIds(vocabulary_folder, vocabulary_folder, MASKING).run([])) == []
    for split in ("train", "validation"):
        assert megatron.num_documents(vocabulary_folder / f"{split}-00000.bin") == 0
