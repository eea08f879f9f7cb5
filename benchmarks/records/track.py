"""A track: fixed text, fixed vocabulary, fixed held-out rows and fixed tasks, all of them checked by their sha256."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from benchmarks.records.entries import as_overrides
from configs.common.errors import UserError
from configs.common.files import sha256_of
from configs.load import read_toml, validate
from configs.recipe import flatten
from configs.schema import Count, Table
from data_prep.manifest import SPLITS
from data_prep.shards import Corpus

HERE = Path(__file__).parent


class _Rows(Table):
    """The sha256 of what the preparation of the text must give."""

    vocabulary: str
    train: str
    held_out: str


class _Content(Table):
    """The keys of a track."""

    about: str
    # file name -> sha256
    text: dict[str, str] = Field(min_length=1)
    # keys of the recipe with which the text is prepared
    corpus: dict[str, Any]
    rows: _Rows
    # number of held-out rows that the judge corrupts
    judged_rows: Count
    # task -> file name -> sha256
    tasks: dict[str, dict[str, str]]
    # keys of `electra evaluate --task`
    fine_tuning: dict[str, Any]


@dataclass(frozen=True)
class Track:
    """The content of a track, and the folders in which this machine has its text and its tasks."""

    file: Path
    content: _Content
    text: Path
    tasks: Path

    @property
    def text_files(self) -> list[Path]:
        return [self.text / name for name in self.content.text]

    @property
    def task_folders(self) -> list[Path]:
        return [self.tasks / name for name in self.content.tasks]

    @property
    def task_keys(self) -> list[str]:
        return as_overrides(flatten(self.content.fine_tuning))

    def check_files(self) -> None:
        """Raise UserError for a file of the text or of a task that is not the file of the track."""
        for file, expected in self._files():
            if not file.is_file():
                raise UserError(f"{file}: no such file, and the track {self.file} needs it")
            _refuse_other(str(file), sha256_of(file), expected, self.file)

    def check_rows(self, corpus: Corpus) -> None:
        """Raise UserError when the preparation gave other rows or another vocabulary than those of the track."""
        for name, value in hashes(corpus).items():
            _refuse_other(f"{corpus.folder}: {name}", value, getattr(self.content.rows, name), self.file)

    def lines(self) -> Iterator[str]:
        """Yield what is fixed, for people."""
        yield f"{self.file.stem}: {self.content.about}"
        for name, value in self.content.rows.model_dump().items():
            yield f"  sha256 of {name.replace('_', '-')} {value}"
        yield f"  tasks: {', '.join(self.content.tasks)} ({', '.join(self.task_keys)})"

    def _files(self) -> Iterator[tuple[Path, str]]:
        for folder, names in ((self.text, self.content.text), *self._task_files()):
            for name, expected in names.items():
                yield folder / name, expected

    def _task_files(self) -> Iterator[tuple[Path, Mapping[str, str]]]:
        for task, names in self.content.tasks.items():
            yield self.tasks / task, names


def read_track(name: str, text: Path, tasks: Path) -> Track:
    """Read a track by the name of a file in this folder, or by a path."""
    file = own_or_named(name)
    return Track(file, validate(_Content, read_toml(file), str(file)), text.absolute(), tasks.absolute())


def own_or_named(name: str) -> Path:
    own = HERE / f"{name}.toml"
    return own if own.is_file() else Path(name)


def hashes(corpus: Corpus) -> dict[str, str]:
    """Return the sha256 of a corpus by the names in `_Rows`. The hash of rows is that of the hashes of their shards."""
    manifest = corpus.manifest
    train, held_out = (
        hashlib.sha256("".join(shard.sha256 for shard in manifest.shards[split]).encode()).hexdigest()
        for split in SPLITS
    )
    return {"vocabulary": manifest.vocabulary.sha256, "train": train, "held_out": held_out}


def _refuse_other(what: str, value: str, expected: str, track: Path) -> None:
    if value != expected:
        raise UserError(f"{what}: has sha256 {value}, and the track {track} is measured with {expected}")
