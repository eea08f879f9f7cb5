"""From sources to tasks.

The input is cut by its bytes alone, never by the number of workers, so a corpus is the same for any of them. A big
uncompressed file of text is cut into byte ranges at the borders of documents.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from configs.common.errors import Unfinished, UserError
from configs.corpus_tables import SourceTable
from data_prep.sources import inspection, json_values, megatron
from data_prep.sources.columns import check_column, is_saved_dataset, open_dataset
from data_prep.sources.compression import compression_of, open_bytes
from data_prep.sources.encodings import encoding_of
from data_prep.sources.faults import Fault, can_be_described, cause_of, describe, will_pass
from data_prep.sources.files import Listing, list_files
from data_prep.sources.kinds import HEAD_BYTES
from data_prep.sources.ranges import Range

# Formats that can be read from the middle of a file.
_LINE_FORMATS = ("text", "lines", "jsonl", "wikiextractor")
# The input is cut into about 64 tasks, of at least 1 MiB (what a task costs to start) and at most 64 MiB.
_TASKS, _SMALLEST, _LARGEST = 64, 2**20, 2**26
# So many files of a source are inspected before the work begins, and the others when they are read.
_INSPECTED = 1000


def cut_into_tasks(sources: tuple[SourceTable, ...]) -> list[list[Range]]:
    """The tasks: lists of ranges, in the order of the sources.

    Raises UserError for a source that has no text or whose files are not what they should be.
    """
    if not sources:
        raise UserError("data.sources: empty; name your text, such as data.sources=FOLDER")
    files = [file for number, source in enumerate(sources) for file in _files(number, source)]
    task_bytes = size_of_task(sum(file.text_bytes for file in files))
    tasks: list[list[Range]] = []
    room = 0
    for file in files:
        for piece in _pieces(file, task_bytes):
            if piece.text_bytes > room or not tasks:
                tasks.append([])
                room = task_bytes
            tasks[-1].append(piece)
            room -= piece.text_bytes
    return tasks


def size_of_task(text_bytes: int) -> int:
    """Return the most bytes of text in a task, for so many bytes of text in all files."""
    return min(_LARGEST, max(_SMALLEST, text_bytes // _TASKS))


def _files(number: int, source: SourceTable) -> list[Range]:
    """The files of a source, each as a range. The first also carries what is left out."""
    key = f"data.sources.{number}.path"
    if source.format == "huggingface" or (source.format == "auto" and is_saved_dataset(Path(source.path))):
        return [_dataset(number, source, key)]
    listing = list_files(key, source)
    files = [Range(number, source, path, format, 0, None, size) for path, size, format in listing.files]
    # Evenly chosen, and every file that may be cut into ranges.
    step = -(-len(files) // _INSPECTED)
    sound: list[Range] = []
    for place, file in enumerate(files):
        inspected = _inspected(file, listing) if place % step == 0 or file.size > _SMALLEST else file
        if inspected:
            sound.append(inspected)
    if not sound:
        raise UserError(f"{key}: no file of {source.path} can be read; left out: {listing.summary()}")
    return [replace(sound[0], left_out=listing.left_out), *sound[1:]]


def _inspected(file: Range, listing: Listing) -> Range | None:
    """The file in the format of its content; None, and the reason in the listing, where it is to be left out."""
    try:
        file = inspection.with_format_of_content(file)
        inspection.check(file, is_thorough=True)
        return file
    except Fault as error:
        fault = error
    except Exception as damage:
        if not can_be_described(damage):
            raise
        if will_pass(damage):
            raise Unfinished(
                f"{file.path}: cannot be read now ({cause_of(damage)}); the same command tries again"
            ) from None
        fault = describe(file.path, 0, damage)
    if file.source.on_error == "stop":
        raise UserError(str(fault)) from None
    listing.leave_out(fault.left_out.reason, fault.left_out.sentence)
    return None


def _dataset(number: int, source: SourceTable, key: str) -> Range:
    """A Hugging Face dataset as one range; it is downloaded here, once, where it is not on disk."""
    dataset = open_dataset(source, key)
    dataset_range = Range(number, source, source.path, "huggingface", 0, None, max(1, dataset.data.nbytes))
    try:
        check_column(dataset_range, dataset.features.arrow_schema)
    except Fault as fault:
        raise UserError(str(fault)) from None
    return dataset_range


def _pieces(file: Range, task_bytes: int) -> list[Range]:
    count = -(-file.size // task_bytes)
    if file.format == "huggingface":
        return _borders(file, [(shard, count, file.size // count) for shard in range(count)])
    if file.format != "megatron" and (count == 1 or not _can_be_cut(file)):
        return [file]
    total = megatron.num_documents(Path(file.path)) if file.format == "megatron" else file.size
    borders = [total * part // count for part in range(count + 1)]
    return _borders(
        file,
        [(start, end, file.size * (end - start) // max(1, total)) for start, end in pairwise(borders) if end > start],
    )


def _borders(file: Range, borders: list[tuple[int, int, int]]) -> list[Range]:
    """Ranges of a file by (start, end, bytes). What the listing left out stays with the first."""
    pieces = [replace(file, start=start, end=end, size=size, left_out=()) for start, end, size in borders]
    return [replace(pieces[0], left_out=file.left_out), *pieces[1:]] if pieces else [file]


def _can_be_cut(file: Range) -> bool:
    """Whether the file has lines of bytes, each of which is a record or belongs to one document."""
    if file.format not in _LINE_FORMATS or compression_of(file.path):
        return False
    with open_bytes(file.path) as opened:
        if encoding_of(opened.read(HEAD_BYTES), file.source.encoding).is_wide:
            return False
    return file.format != "jsonl" or not json_values.is_one_value(file)
