"""From a range of a source to documents."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from datatrove.pipeline.base import PipelineStep

from configs.common import randomness
from configs.common.errors import Unfinished, UserError
from configs.corpus_tables import DataTable
from data_prep.document import SourceDocument
from data_prep.normalize import normalizer
from data_prep.sources import columns, delimited, inspection, json_lines, megatron, text
from data_prep.sources.faults import Fault, LeftOut, can_be_described, cause_of, describe, will_pass
from data_prep.sources.ranges import Range
from data_prep.sources.records import Record, Text

# Characters of a line that are tokenized at once.
_LONGEST_PIECE = 2**16


class ReadRanges(PipelineStep):
    """The documents of one task, each as often as the weight of its source says.

    What could not be read is a document too, with `left_out` and without text, so that later steps count it.
    """

    type = "READER"
    name = "sources"

    def __init__(self, tasks: list[list[Range]], data: DataTable, seed: int):
        super().__init__()
        self.tasks, self.data, self.seed = tasks, data, seed

    def run(self, data=None, rank: int = 0, world_size: int = 1) -> Iterator[SourceDocument]:
        for piece in self.tasks[rank]:
            yield from weighted(piece, self.data, self.seed)


def weighted(piece: Range, data: DataTable, seed: int) -> Iterator[SourceDocument]:
    """The documents of a range, normalized, each `weight` times on average; its words alone decide how often."""
    count, share = divmod(piece.source.weight, 1)
    normalize = normalizer(data.normalize)
    for document in documents(piece):
        document.text = normalize(document.text)
        is_once_more = bool(share) and randomness.uniform(seed, "weight", document.key) < share
        for copy in range(1 if document.left_out else int(count) + is_once_more):
            yield replace(document, copy=copy)


def documents(piece: Range) -> Iterator[SourceDocument]:
    """The documents that begin in a range, and what is left out.

    Raises UserError for a record or a file that cannot be used, unless its source says to skip it, and Unfinished
    where the storage may answer later.
    """
    for left_out in piece.left_out:
        yield _left_out(piece, left_out)
    place = 0
    try:
        if piece.start == 0:
            inspection.check(piece, is_thorough=False)
        for place, record in _READERS[piece.format](piece):
            yield _document(piece, place, record)
    except Fault as fault:
        yield _fault(piece, fault)
    except Exception as error:
        if not can_be_described(error):
            raise
        if will_pass(error):
            raise Unfinished(
                f"{piece.path}: cannot be read now ({cause_of(error)}); the same command tries again"
            ) from None
        yield _fault(piece, describe(piece.path, place, error))


def _document(piece: Range, place: int, record: Record) -> SourceDocument:
    if isinstance(record, Fault):
        return _fault(piece, record)
    if record.is_empty:
        return _left_out(piece, LeftOut("empty records", f"{piece.path}: the record at {place} is empty"))
    return SourceDocument(
        text=record.text,
        id=f"{piece.path}:{place}",
        source=piece.number,
        num_bytes=record.num_bytes,
        invalid_sequences=record.num_invalid,
        token_ids=record.tokens,
    )


def _fault(piece: Range, fault: Fault) -> SourceDocument:
    if piece.source.on_error == "stop":
        raise UserError(str(fault)) from None
    return _left_out(piece, fault.left_out)


def _left_out(piece: Range, left_out: LeftOut) -> SourceDocument:
    return SourceDocument(text="", id=piece.path, source=piece.number, left_out=left_out)


def _megatron(piece: Range) -> Iterator[tuple[int, Record]]:
    path = Path(piece.path)
    end = megatron.num_documents(path) if piece.end is None else piece.end
    for number, tokens in enumerate(megatron.documents(path, piece.start, end), piece.start):
        yield number, Text("", sum(ids.nbytes for ids in tokens), tokens=tokens)


_READERS: dict[str, Callable[[Range], Iterator[tuple[int, Record]]]] = {
    "text": text.reader(text.between_blank_lines),
    "lines": text.reader(text.single_lines),
    "file": text.reader(text.complete_file),
    "wikiextractor": text.articles,
    "jsonl": json_lines.records,
    "csv": delimited.records,
    "parquet": columns.parquet_records,
    "huggingface": columns.dataset_records,
    "megatron": _megatron,
}


def lines(text: str) -> Iterator[str]:
    """The lines of a document, long ones in pieces: what is made of a line at once takes eighty times its memory.

    A piece ends at white space where there is some, which no word piece crosses.
    """
    for line in text.splitlines():
        start = 0
        while len(line) - start > _LONGEST_PIECE:
            cut = line.rfind(" ", start + 1, start + _LONGEST_PIECE)
            cut = cut if cut > 0 else start + _LONGEST_PIECE
            yield line[start:cut]
            start = cut
        yield line[start:]
