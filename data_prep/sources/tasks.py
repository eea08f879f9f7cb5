"""From sources to tasks.

The input is cut by its bytes alone, never by the number of workers, so a corpus is the same for any of them. A big
uncompressed file of text is cut into byte ranges at the borders of documents.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import fsspec
from fsspec.implementations.local import LocalFileSystem

from configs.common.errors import UserError
from configs.corpus_tables import SourceTable
from data_prep.sources import megatron
from data_prep.sources.columns import open_dataset
from data_prep.sources.ranges import COMPRESSIONS, Range, is_compressed

_TEXT = (".txt", ".text")
_ENDINGS: dict[str, tuple[str, ...]] = {
    "text": _TEXT,
    "lines": _TEXT,
    "file": _TEXT,
    "jsonl": (".jsonl", ".json", ".ndjson"),
    "csv": (".csv", ".tsv"),
    "parquet": (".parquet",),
    "megatron": (".bin",),
}
# Of a folder, a table beside text is most often about it; so tables are taken where there is nothing else.
_TEXTS, _TABLES = ("text", "jsonl"), ("csv", "parquet")
# What can be read from the middle.
_LINE_FORMATS = ("text", "lines", "jsonl")
# The input is cut into about 64 tasks, of at least 1 MiB (what a task costs to start) and at most 64 MiB.
_TASKS, _SMALLEST, _LARGEST = 64, 2**20, 2**26


def cut_into_tasks(sources: tuple[SourceTable, ...]) -> list[list[Range]]:
    """The tasks: lists of ranges, in the order of the sources. Raises UserError for a source that has no text."""
    if not sources:
        raise UserError("data.sources: empty; name your text, such as data.sources=FOLDER")
    files = [found for number, source in enumerate(sources) for found in _files(number, source)]
    task_bytes = min(_LARGEST, max(_SMALLEST, sum(file.text_bytes for file in files) // _TASKS))
    tasks: list[list[Range]] = []
    room = 0
    for file in files:
        for piece in _pieces(file, task_bytes):
            if piece.text_bytes > room:
                tasks.append([])
                room = task_bytes
            tasks[-1].append(piece)
            room -= piece.text_bytes
    return tasks


def _files(number: int, source: SourceTable) -> list[Range]:
    """Every file of a source, whole: the one it names, or all fitting ones below a folder, by name."""
    key = f"data.sources.{number}.path"
    if source.format == "huggingface":
        return [_dataset(number, source, key)]
    try:
        fs, root = fsspec.core.url_to_fs(source.path)
        if fs.isfile(root):
            found = [root]
        elif fs.isdir(root):
            paths = sorted(_behind_links(root) if isinstance(fs, LocalFileSystem) else fs.find(root))
            found = _of_formats(paths, _TEXTS) or _of_formats(paths, _TABLES)
            found = found if source.format == "auto" else _of_formats(paths, (source.format,))
        else:
            raise UserError(f"{key}: {source.path} does not exist; name a file or a folder")
        sizes = [fs.size(path) for path in found]
    except (OSError, ImportError) as error:
        raise UserError(f"{key}: {source.path} cannot be read ({error})") from None
    if not found:
        endings = ", ".join(ending for format in _formats(source.format) for ending in _ENDINGS[format])
        raise UserError(
            f"{key}: {source.path} has no file that ends in {endings} (or in these and {', '.join(COMPRESSIONS)})"
        )
    if not any(sizes):
        raise UserError(f"{key}: {source.path} is empty; it must hold text")
    urls = [fs.unstrip_protocol(path) if "://" in source.path else path for path in found]
    return [
        Range(number, source, url, _format(url, _formats(source.format)) or _named(source.format), 0, None, size)
        for url, size in zip(urls, sizes, strict=True)
        if size
    ]


def _behind_links(root: str) -> Iterator[str]:
    """All files below a folder of this machine. Links to folders are followed, and no folder is read twice."""
    met = {Path(root).resolve()}
    for folder, folders, names in os.walk(root, followlinks=True):
        here = Path(folder)
        yield from (str(here / name) for name in names)
        behind = {(here / name).resolve(): name for name in sorted(folders, reverse=True)}
        folders[:] = [name for real, name in behind.items() if real not in met]
        met |= behind.keys()


def _formats(format: str) -> tuple[str, ...]:
    return (*_TEXTS, *_TABLES) if format == "auto" else (format,)


def _of_formats(paths: list[str], formats: tuple[str, ...]) -> list[str]:
    return [path for path in paths if _format(path, formats)]


def _format(path: str, formats: tuple[str, ...]) -> str | None:
    """Which of the formats the name of a file fits."""
    for compression in COMPRESSIONS:
        path = path.removesuffix(compression)
    return next((format for format in formats if path.endswith(_ENDINGS[format])), None)


def _named(format: str) -> str:
    """A file that is named itself may be called as it likes; by name it is then text."""
    return "text" if format == "auto" else format


def _dataset(number: int, source: SourceTable, key: str) -> Range:
    """A Hugging Face dataset as one range; it is downloaded here, once, where it is not on disk."""
    dataset = open_dataset(source, key)
    return Range(number, source, source.path, "huggingface", 0, None, max(1, dataset.data.nbytes))


def _pieces(file: Range, task_bytes: int) -> list[Range]:
    if is_compressed(file.path) or file.format not in (*_LINE_FORMATS, "huggingface", "megatron"):
        return [file]
    count = -(-file.size // task_bytes)

    def piece(start: int, end: int, size: int) -> Range:
        return Range(file.number, file.source, file.path, file.format, start, end, size)

    if file.format == "huggingface":
        return [piece(shard, count, file.size // count) for shard in range(count)]
    total = megatron.num_documents(Path(file.path)) if file.format == "megatron" else file.size
    borders = [total * part // count for part in range(count + 1)]
    return [
        piece(start, end, file.size * (end - start) // max(1, total)) for start, end in pairwise(borders) if end > start
    ]
