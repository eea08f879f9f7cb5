"""What a corpus says of itself, `manifest.json`: written last, so that its presence means "complete"."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import AfterValidator, Strict, model_validator

from configs.errors import UserError
from configs.files import read_json
from configs.load import validate
from configs.tables import Data, Masking, Natural, Source, Table, Vocabulary

T = TypeVar("T")

SCHEMA_VERSION = 1
MANIFEST = "manifest.json"
Split = Literal["train", "validation"]
SPLITS: tuple[Split, ...] = ("train", "validation")


def _name_both(values: dict[Split, T]) -> dict[Split, T]:
    if missing := [split for split in SPLITS if split not in values]:
        raise ValueError(f"{missing[0]}: missing")
    return values


PerSplit = Annotated[dict[Split, T], AfterValidator(_name_both)]


class SpecialTokens(Table):
    """Ids of the five tokens that the format itself uses."""

    pad: Natural
    unk: Natural
    cls: Natural
    sep: Natural
    mask: Natural


class VocabularyFacts(Table):
    sha256: str  # of the entries in order
    size: Natural
    special: SpecialTokens
    files: dict[str, str]  # file -> sha256

    @model_validator(mode="after")
    def _files_are_the_tokenizer(self) -> Self:
        if set(self.files) != {"tokenizer.json", "vocab.txt"}:
            raise ValueError(f"files: {', '.join(self.files) or 'none'}, and they are tokenizer.json and vocab.txt")
        return self

    @model_validator(mode="after")
    def _special_tokens_are_entries(self) -> Self:
        for name, number in self.special.model_dump().items():
            if number >= self.size:
                raise ValueError(f"special.{name}: {number} is no entry of a vocabulary of {self.size}")
        return self


class SourceFacts(Source):
    documents: Natural
    bytes: Natural


class Shard(Table):
    file: str
    number: Natural  # of the task that wrote it
    rows: Natural
    bytes: Natural
    sha256: str


class CorpusTables(Table):
    """The tables of the recipe that made the corpus."""

    data: Data
    vocabulary: Vocabulary
    masking: Masking


class Manifest(Table):
    schema_version: Literal[1]
    seed: Natural
    recipe: CorpusTables
    vocabulary: VocabularyFacts
    sources: Annotated[tuple[SourceFacts, ...], Strict(False)]
    rows: PerSplit[Natural]
    tokens: PerSplit[Natural]
    shards: PerSplit[Annotated[tuple[Shard, ...], Strict(False)]]


def read(folder: Path) -> Manifest:
    """Raises UserError when the folder is not a complete corpus, or its manifest not one of this release."""
    if not folder.is_dir():
        raise UserError(f"{folder}: no such corpus; `electra prepare` makes one")
    if not (folder / MANIFEST).is_file():
        raise UserError(f"{folder}: no {MANIFEST}, so this is no complete corpus; `electra prepare` makes one")
    return validate(Manifest, read_json(folder / MANIFEST), str(folder / MANIFEST))
