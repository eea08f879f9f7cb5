"""The pipelines of a preparation, each a list of steps in order. No other file puts steps together."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from datatrove.pipeline.base import PipelineStep

from configs.recipe import CorpusRecipe
from data_prep.cleaning import Clean
from data_prep.counts import TaskReport
from data_prep.document import SourceDocument
from data_prep.duplicates import LeaveOutRepeated, WriteSignatures
from data_prep.progress import NoteProgress
from data_prep.sources.ranges import Range
from data_prep.sources.readers import ReadRanges, lines
from data_prep.steps.counting import CountDocuments, WriteKeys
from data_prep.steps.examples import CutExamples
from data_prep.steps.shards import WriteShards
from data_prep.steps.split import HoldOut
from data_prep.steps.token_ids import WriteTokenIds
from data_prep.steps.tokenization import Tokenize

# A document may be a book of 50 MB, and the encoding of a text takes eighty times its memory.
_SAMPLE_CHARACTERS = 2**16


def reading(recipe: CorpusRecipe, tasks: list[list[Range]], notes: Path | None = None) -> list[PipelineStep]:
    """From the ranges of a task to its documents. `notes` is the folder that tells how far each task is."""
    return [ReadRanges(tasks, recipe.data, recipe.seed), *([NoteProgress(notes)] if notes else [])]


def cleaning(recipe: CorpusRecipe, repeated: Path | None = None) -> list[PipelineStep]:
    """Mark the documents that are left out. `repeated` is the file with the places of repeated documents."""
    clean = Clean(recipe.data)
    return [clean, LeaveOutRepeated(repeated, recipe.data.deduplicate)] if repeated else [clean]


def signing(recipe: CorpusRecipe, folder: Path) -> list[PipelineStep]:
    """Write the signatures of the documents, by which repeated documents are found."""
    return [*cleaning(recipe), WriteSignatures(folder, recipe.data.deduplicate)]


def writing(
    recipe: CorpusRecipe, out: Path, reports: Path, repeated: Path | None = None, megatron: Path | None = None
) -> list[PipelineStep]:
    """Write the masked shards of the corpus `out`, the report of each task, and Megatron's files where wanted."""
    data, masking, seed = recipe.data, recipe.masking, recipe.seed
    # One object for all steps: a task works on a copy of the list, and so on a report of its own.
    report = TaskReport()
    return [
        *cleaning(recipe, repeated),
        CountDocuments(report),
        WriteKeys(reports),
        HoldOut(data.validation_share, seed),
        Tokenize(out, masking, report),
        *([WriteTokenIds(megatron, out, masking)] if megatron else []),
        CutExamples(out, data, masking, seed),
        WriteShards(out, reports, data, masking, seed, report),
    ]


def run(steps: list[PipelineStep], documents: Iterable[SourceDocument] | None = None, task: int = 0) -> Any:
    """Do the steps of one task, and return what the last step gives. Another task needs steps of its own."""
    data: Any = documents
    for step in steps:
        data = step.run(data, task)  # type: ignore[reportArgumentType]  datatrove types every step by documents
    return data


def cleaned_lines(recipe: CorpusRecipe, documents: Iterable[SourceDocument]) -> list[str]:
    """Return the lines at the beginning of each document of a sample, without the documents that are left out."""
    kept = (document for document in run(cleaning(recipe), documents) if not document.drop_reason)
    return [line for document in kept for line in lines(document.text[:_SAMPLE_CHARACTERS])]
