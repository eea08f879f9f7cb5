"""What the name of a file says about it: its format, or that it holds no text to train on."""

from __future__ import annotations

import fnmatch
import re
from pathlib import PurePosixPath

from data_prep.sources.compression import compression_of

_TEXT = (".txt", ".text")
# format -> the endings of its files, in lower case
ENDINGS: dict[str, tuple[str, ...]] = {
    "text": _TEXT,
    "lines": _TEXT,
    "file": _TEXT,
    "wikiextractor": _TEXT,
    "jsonl": (".jsonl", ".json", ".ndjson"),
    "csv": (".csv", ".tsv"),
    "parquet": (".parquet",),
    "megatron": (".bin",),
}
# `auto` reads files of the first formats; in a folder without any, the tables.
TEXTS, TABLES = ("text", "jsonl", "wikiextractor"), ("csv", "parquet")
# WikiExtractor names its files AA/wiki_00 to ZZ/wiki_99.
_WIKI = re.compile(r"wiki_\d+")

_HIDDEN = (".*", "__MACOSX", "_temporary")
_LEFTOVERS = ("*~", "~$*", "*.tmp", "*.part", "*.crdownload", "*.swp", "*.lock", "thumbs.db", "desktop.ini", "_success")
_METADATA = (
    *("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json", "metadata.json", "croissant.json"),
    *("_metadata", "_common_metadata", "cache-*.arrow", "*.crc", "*.md5", "*.sha256", "*.idx"),
)
_DOCUMENTATION = (
    "readme*",
    "license*",
    "licence*",
    "copying*",
    "notice*",
    "citation*",
    "changelog*",
    "*.yaml",
    "*.yml",
)
# plural noun -> endings of files that are read in no format
_OTHER_KINDS: dict[str, tuple[str, ...]] = {
    "archives, which must be unpacked": (".zip", ".tar", ".tgz", ".tbz2", ".txz", ".7z", ".rar", ".jar"),
    "PDF documents, which must be converted to text": (".pdf",),
    "office documents, which must be converted to text": (".doc", ".docx", ".odt", ".rtf", ".xls", ".xlsx", ".pptx"),
    "pictures, sound and video": (".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg", ".mp3", ".wav", ".mp4", ".flac"),
    "programs": (".py", ".sh", ".ipynb", ".exe", ".so", ".dll", ".pyc"),
    "arrays and tables of other formats": (".arrow", ".npy", ".npz", ".pt", ".pkl", ".h5", ".db", ".sqlite", ".orc"),
}


def format_of(path: str, formats: tuple[str, ...]) -> str | None:
    """The first of `formats` that the name of a file fits, in upper or lower case, with or without a compression."""
    name = _uncompressed(path)
    if "wikiextractor" in formats and _WIKI.fullmatch(name):
        return "wikiextractor"
    return next((format for format in formats if name.endswith(ENDINGS[format])), None)


def is_tab_separated(path: str) -> bool:
    return _uncompressed(path).endswith(".tsv")


def why_no_data(parts: tuple[str, ...], formats: tuple[str, ...]) -> str:
    """Why a file of a folder, given by the parts of its path below the folder, is not read; "" when it may be.

    The answer is a plural noun. The ending of one of `formats` makes data of a file with documentation's name.
    """
    if any(_fits(part, _HIDDEN) for part in parts):
        return "hidden files and folders"
    name = parts[-1].lower()
    if reason := why_beside_data(name):
        return reason
    if format_of(name, formats):
        return ""
    if _fits(name, _DOCUMENTATION):
        return "files of documentation"
    return other_kind(name)


def why_beside_data(name: str) -> str:
    """Why a file is a leftover or only tells about data, as a plural noun; "" for any other name."""
    name = name.lower()
    if _fits(name, _LEFTOVERS):
        return "temporary files"
    return "metadata files" if _fits(name, _METADATA) else ""


def is_hidden(name: str) -> bool:
    """Whether a folder is one of those that are never entered."""
    return _fits(name, _HIDDEN)


def other_kind(name: str) -> str:
    """A plural noun for a file that is read in no format; "" for any other."""
    stem = _uncompressed(name)
    return next((kind for kind, endings in _OTHER_KINDS.items() if stem.endswith(endings)), "")


def _fits(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _uncompressed(path: str) -> str:
    """The last part of a path in lower case, without the ending of a compression."""
    return PurePosixPath(path).name.lower().removesuffix(compression_of(path))
