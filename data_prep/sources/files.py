"""The files of a source: which of them hold data, and what is left out for which reason."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from configs.common.errors import Unfinished, UserError
from configs.corpus_tables import SourceTable
from configs.folders import CORPUS_MANIFEST, TOKENIZER_FILE, WORK
from data_prep.sources.compression import COMPRESSIONS
from data_prep.sources.faults import LeftOut, can_be_described, cause_of, will_pass
from data_prep.sources.names import ENDINGS, TABLES, TEXTS, format_of, is_hidden, why_beside_data, why_no_data

# In a URL, ? begins the query.
_WILDCARDS = re.compile(r"[*\[]|^(?!.*://).*\?")
# The hub and `datasets` name the files of a split so.
_SHARD = re.compile(r"(?P<split>[\w.]+?)-\d{5}-of-\d{5}\b")
_SAMPLES = 3


@dataclass
class Listing:
    """The files of a source in order, each with its size in bytes and its format, and the names that are left out."""

    files: list[tuple[str, int, str]] = field(default_factory=list)
    # reason, a plural noun -> names of files, or sentences about them
    names: dict[str, list[str]] = field(default_factory=dict)

    def leave_out(self, reason: str, name: str) -> None:
        self.names.setdefault(reason, []).append(name)

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        return tuple(LeftOut(reason, _some(names), len(names)) for reason, names in self.names.items())

    def summary(self) -> str:
        return "; ".join(f"{reason}: {len(names):,} ({_some(names)})" for reason, names in self.names.items())


def list_files(key: str, source: SourceTable) -> Listing:
    """The file that a source names, those that its pattern names, or those below its folder.

    Raises UserError where there is none, or where the storage refuses.
    """
    listing = Listing()
    try:
        file_system, root = fsspec.core.url_to_fs(source.path)
        if file_system.isfile(root):
            paths = {root: _named_format(root, source.format)}
        elif file_system.isdir(root):
            paths = _in_folder(file_system, root, source, listing)
        elif _WILDCARDS.search(source.path):
            paths = _matches(file_system, root, source, listing)
        else:
            raise UserError(f"{key}: {source.path} does not exist; name a file, a folder or a pattern such as *.txt")
        sizes = {path: _size(file_system, path, listing) for path in paths}
    except Exception as error:
        if not can_be_described(error) and not isinstance(error, ImportError):
            raise
        if will_pass(error):
            raise Unfinished(
                f"{key}: {source.path} cannot be read now ({cause_of(error)}); the same command tries again"
            ) from None
        raise UserError(f"{key}: {source.path} cannot be read ({cause_of(error)})") from None
    if not paths:
        raise UserError(f"{key}: {source.path} has no file {_wanted(source.format)}{_but(listing)}")
    for path, size in sizes.items():
        url = file_system.unstrip_protocol(path) if "://" in source.path else path
        if size:
            listing.files.append((url, size, paths[path]))
        elif size == 0:
            listing.leave_out("empty files", path)
    if not listing.files:
        raise UserError(f"{key}: {source.path} is empty; it must hold text")
    return listing


def _size(file_system: Any, path: str, listing: Listing) -> int | None:
    try:
        return file_system.size(path)
    except FileNotFoundError:
        listing.leave_out("broken links", path)
        return None


def _in_folder(file_system: Any, root: str, source: SourceTable, listing: Listing) -> dict[str, str]:
    """path -> format, of the files below a folder that hold data."""
    if isinstance(file_system, LocalFileSystem):
        file_paths = sorted(_behind_links(root, listing))
    else:
        file_paths = sorted(file_system.find(root))
    formats = (*TEXTS, *TABLES) if source.format == "auto" else (source.format,)
    paths = [path for path in file_paths if _may_be_data(path, root, formats, listing)]
    paths = _of_split(paths, source, listing)
    if source.format == "auto":
        return _of_known_formats(paths, listing)
    return {path: source.format for path in paths if _fits(path, source.format, listing)}


def _behind_links(root: str, listing: Listing) -> Iterator[str]:
    """The files below a folder of this machine. Links to folders are followed, and no folder is read twice."""
    met = {Path(root).resolve()}
    for folder, folders, names in os.walk(root, followlinks=True):
        here = Path(folder)
        for name in names:
            # Reading a named pipe would wait forever.
            if (here / name).is_file() or not (here / name).exists():
                yield str(here / name)
            else:
                listing.leave_out("special files", str(here / name))
        entered = []
        for name in sorted(folders):
            if is_hidden(name):
                listing.leave_out("hidden files and folders", f"{here / name}/")
            elif _is_corpus(here / name):
                listing.leave_out("corpora that electra prepare makes", f"{here / name}/")
            else:
                entered.append(name)
        targets = {(here / name).resolve(): name for name in reversed(entered)}
        folders[:] = [name for target, name in targets.items() if target not in met]
        met |= targets.keys()


def _is_corpus(folder: Path) -> bool:
    """Whether the folder holds a corpus of ours, complete or not, such as the one that is made from this source."""
    complete = (folder / CORPUS_MANIFEST).is_file() and (folder / TOKENIZER_FILE).is_file()
    return complete or (folder / WORK).is_dir()


def _may_be_data(path: str, root: str, formats: tuple[str, ...], listing: Listing) -> bool:
    reason = why_no_data(PurePosixPath(path).relative_to(root).parts, formats)
    # An index of Megatron belongs to the .bin beside it.
    if reason and not (formats == ("megatron",) and path.endswith(".idx")):
        listing.leave_out(reason, path)
    return not reason


def _of_split(paths: list[str], source: SourceTable, listing: Listing) -> list[str]:
    """Without the files that their names give to another split, where any belongs to this one.

    Raises UserError for a split that was chosen, and of which there is no file.
    """
    split = source.split
    splits = {path: match["split"] for path in paths if (match := _SHARD.match(PurePosixPath(path).name))}
    if split not in splits.values():
        if splits and split != SourceTable.model_fields["split"].default:
            names = ", ".join(sorted(set(splits.values())))
            raise UserError(f"data.sources: {source.path} has no files of the split {split!r} (it has {names})")
        return paths
    for path, other in splits.items():
        if other != split:
            listing.leave_out(f"files of other splits than {split} (set split of the source)", path)
    return [path for path in paths if splits.get(path, split) == split]


def _of_known_formats(paths: list[str], listing: Listing) -> dict[str, str]:
    """Files of text and JSON lines. A table beside them is most often about them, so tables are read without them."""
    formats = {path: format_of(path, (*TEXTS, *TABLES)) for path in paths}
    has_texts = any(format in TEXTS for format in formats.values())
    formats_of_data: dict[str, str] = {}
    for path, format in formats.items():
        if format is None:
            listing.leave_out("files with another ending (a stated format reads any)", path)
        elif format in TABLES and has_texts:
            listing.leave_out("tables beside texts (a stated format reads them)", path)
        else:
            formats_of_data[path] = format
    return formats_of_data


def _fits(path: str, format: str, listing: Listing) -> bool:
    """Whether a file may have the stated format: its name has any ending but that of another format."""
    other = format_of(path, tuple(ENDINGS))
    if format_of(path, (format,)) or (not other and format != "megatron"):
        return True
    listing.leave_out(f"files of another format than {format}", path)
    return False


def _matches(file_system: Any, root: str, source: SourceTable, listing: Listing) -> dict[str, str]:
    """path -> format, of the files that a pattern matches and below the folders that it matches."""
    in_folders: dict[str, str] = {}
    files: list[str] = []
    fixed = str(PurePosixPath(*_fixed_parts(root)))
    for path in sorted(file_system.glob(root)):
        if file_system.isdir(path):
            in_folders |= _in_folder(file_system, path, source, listing)
        elif any(is_hidden(part) for part in PurePosixPath(path).relative_to(fixed).parts):
            listing.leave_out("hidden files and folders", path)
        elif reason := why_beside_data(PurePosixPath(path).name):
            listing.leave_out(reason, path)
        else:
            files.append(path)
    named = {path: _named_format(path, source.format) for path in _of_split(files, source, listing)}
    return dict(sorted((in_folders | named).items()))


def _fixed_parts(pattern: str) -> Iterator[str]:
    for part in PurePosixPath(pattern).parts[:-1]:
        if _WILDCARDS.search(part):
            return
        yield part


def _named_format(path: str, format: str) -> str:
    """A file that the source names may have any name; where its name tells no format, it is read as text."""
    return (format_of(path, (*TEXTS, *TABLES)) or "text") if format == "auto" else format


def _wanted(format: str) -> str:
    formats = (*TEXTS, *TABLES) if format == "auto" else (format,)
    endings = ", ".join(dict.fromkeys(ending for format in formats for ending in ENDINGS[format]))
    return f"that ends in {endings} (or in these and {', '.join(COMPRESSIONS)})"


def _but(listing: Listing) -> str:
    return f"; left out: {listing.summary()}" if listing.names else ""


def _some(names: list[str]) -> str:
    return ", ".join(names[:_SAMPLES]) + (", and more" if len(names) > _SAMPLES else "")
