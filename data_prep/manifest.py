"""The manifest of a corpus, `manifest.json`. It is written last, so a folder with a manifest is a complete corpus."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import AfterValidator, Strict, field_validator, model_validator

from configs.common.errors import UserError
from configs.common.files import read_json, write_json
from configs.corpus_tables import DataTable, MaskingTable, SourceTable, VocabularyTable
from configs.folders import CORPUS_MANIFEST, TOKENIZER_FILE, VOCABULARY_FILE
from configs.load import validate
from configs.schema import Natural, Table

T = TypeVar("T")

SCHEMA_VERSION = 1
_OWN = "sha256"  # the key of the hash of everything else in the manifest
Split = Literal["train", "validation"]
SPLITS: tuple[Split, ...] = ("train", "validation")


def _name_both(values: dict[Split, T]) -> dict[Split, T]:
    if missing := [split for split in SPLITS if split not in values]:
        raise ValueError(f"{missing[0]}: missing")
    return values


PerSplit = Annotated[dict[Split, T], AfterValidator(_name_both)]


class SpecialTokens(Table):
    """The ids of the five special tokens that the format itself uses."""

    pad: Natural
    unk: Natural
    cls: Natural
    sep: Natural
    mask: Natural


class VocabularyFacts(Table):
    sha256: str  # the hash of the entries in the order of their ids
    size: Natural
    special: SpecialTokens
    # file name -> sha256. No other names are allowed, because a run copies these files into its folder.
    files: dict[str, str]

    @model_validator(mode="after")
    def _files_are_the_tokenizer(self) -> Self:
        if set(self.files) != {TOKENIZER_FILE, VOCABULARY_FILE}:
            raise ValueError(
                f"files: {', '.join(self.files) or 'none'}, and they must be {TOKENIZER_FILE} and {VOCABULARY_FILE}"
            )
        return self

    @model_validator(mode="after")
    def _special_tokens_are_entries(self) -> Self:
        for name, number in self.special.model_dump().items():
            if number >= self.size:
                raise ValueError(f"special.{name}: {number} is no entry of a vocabulary of {self.size}")
        return self


class SourceFacts(SourceTable):
    documents: Natural
    bytes: Natural


class Shard(Table):
    file: str
    number: Natural  # the number of the task that wrote the shard
    rows: Natural
    bytes: Natural
    sha256: str

    @field_validator("file")
    @classmethod
    def _lies_in_the_folder(cls, value: str) -> str:
        if not re.fullmatch(r"(train|validation)-\d{5,}\.npy", value):
            raise ValueError(f"file: {value!r} is not the name of a shard, such as train-00000.npy")
        return value


class CorpusTables(Table):
    """The tables of the recipe from which the corpus was made."""

    data: DataTable
    vocabulary: VocabularyTable
    masking: MaskingTable


class Manifest(Table):
    schema_version: Literal[1]
    seed: Natural
    recipe: CorpusTables
    vocabulary: VocabularyFacts
    sources: Annotated[tuple[SourceFacts, ...], Strict(False)]
    rows: PerSplit[Natural]
    tokens: PerSplit[Natural]
    shards: PerSplit[Annotated[tuple[Shard, ...], Strict(False)]]


def write(folder: Path, manifest: Manifest) -> None:
    """Write the manifest together with its own sha256, which shows later whether the file was edited or damaged."""
    tables = manifest.model_dump(mode="json")
    write_json(folder / CORPUS_MANIFEST, {**tables, _OWN: _sha256(tables)})


def read(folder: Path) -> Manifest:
    """Read the manifest of a corpus.

    Raises UserError when the folder is not a complete corpus, or when the manifest was edited or damaged.
    """
    path = folder / CORPUS_MANIFEST
    if not folder.is_dir():
        raise UserError(f"{folder}: no such corpus; `electra prepare` makes one")
    if not path.is_file():
        raise UserError(f"{folder}: no {CORPUS_MANIFEST}, so this is no complete corpus; `electra prepare` makes one")
    try:
        return _as_written(path)
    except UserError as error:
        raise UserError(f"{error}; prepare the corpus again") from None


def _as_written(path: Path) -> Manifest:
    tables = read_json(path)
    if not isinstance(tables, dict):
        raise UserError(f"{path}: holds no table, so it was damaged or edited")
    own = tables.pop(_OWN, None)
    manifest = validate(Manifest, tables, str(path))
    if own != _sha256(tables):
        raise UserError(f"{path}: its sha256 does not match its contents, so it was damaged or edited")
    return manifest


def _sha256(tables: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(tables, sort_keys=True).encode()).hexdigest()
