"""These tables of a recipe decide how a corpus is made: its text, its vocabulary, and the choice of masked tokens."""

from __future__ import annotations

import codecs
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, Strict, field_validator, model_validator

from configs.common.secrets import Location
from configs.schema import Count, Natural, Positive, Share, Table

Format = Literal["auto", "text", "lines", "file", "wikiextractor", "jsonl", "csv", "parquet", "huggingface", "megatron"]


class SourceTable(Table):
    """Text to prepare: a file, a folder or a pattern of files, local or at an fsspec URL, or a Hugging Face dataset."""

    path: Location
    """A file, a folder or a pattern of files, local or at any fsspec URL; or the name of a Hugging Face dataset."""
    format: Format = "auto"
    """`text`: a blank line ends a document. `lines`: every line is a document. `file`: every file is a document.
    `wikiextractor`: articles between `<doc ...>` and `</doc>`. `jsonl`, `csv`, `parquet`: the text under `field`.
    `huggingface`: a folder that `save_to_disk` wrote, or a name on the hub. `megatron`: token ids in a .bin file
    with an .idx file. `auto`: decided by the file name, and for texts by their first line. A stated format reads files
    of any name."""
    field: str = "text"
    """The name of the field or the column; a dot leads into an object, as in `data.text`."""
    encoding: str = "utf-8"
    """The encoding of text. A byte order mark at the beginning of a file overrides it."""
    config: str = ""
    """The configuration of a Hugging Face dataset; empty if it has only one."""
    split: str = "train"
    """The split of a Hugging Face dataset, and of files that are named as the hub names them
    (train-00000-of-00001.parquet)."""
    weight: Positive = 1.0
    """How many times a document is used, on average."""
    licence: str = ""
    """The licence of the text. It is copied into the report and not checked."""
    on_error: Literal["stop", "skip"] = "stop"
    """What happens to a record, a file, or the rest of a file that cannot be read: the preparation stops, or it is
    left out and counted."""

    @field_validator("path")
    @classmethod
    def _names_something(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("path: is empty; name a file, a folder or a pattern such as *.txt")
        return value

    @field_validator("encoding")
    @classmethod
    def _is_an_encoding_of_text(cls, value: str) -> str:
        try:
            "\n".encode(value)
            b"\xff\n".decode(value, "replace")  # Some encodings, such as "idna", cannot replace invalid bytes.
            codecs.getincrementaldecoder(value)
        except (LookupError, ValueError):
            raise ValueError(f"encoding: {value!r} is no encoding of text that Python knows") from None
        return value


class FilterTable(BaseModel):
    """A filter that leaves documents out. Further keys are its arguments, which `data_prep/cleaning.py` checks."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True, use_attribute_docstrings=True)

    name: str
    """`Length`, `Language`, or a class of datatrove.pipeline.filters."""


class DataTable(Table):
    """How text becomes rows of `row_length` token ids."""

    sources: Annotated[tuple[SourceTable, ...], Strict(False)]
    """The text: a path, or a list of paths or of tables `[[data.sources]]`."""
    normalize: Annotated[tuple[Literal["nfkc", "simplified", "traditional", "punctuation"], ...], Strict(False)]
    """Changes to the text before anything else, made in the order of the list."""
    filters: Annotated[tuple[FilterTable, ...], Strict(False)]
    """Filters that leave documents out, each with its `name` and its arguments."""
    personal_data: Literal["ignore", "count", "redact"]
    """E-mail addresses, telephone numbers and identity numbers are left alone (`ignore`), counted (`count`), or counted
    and replaced (`redact`)."""
    deduplicate: Literal["none", "exact", "minhash"]
    """Documents whose text already occurred in any source are kept (`none`), or left out if the text is the same
    (`exact`) or nearly the same (`minhash`)."""
    row_length: Count
    """Number of tokens in a row."""
    packing: Literal["packed", "single"]
    """`packed`: examples share a row. `single`: one example in a row, then padding, as in Google's builder."""
    single_segment_share: Share
    """Share of the examples that are meant to have one segment; a tenth in Google's builder. A segment consists of
    whole lines, so a text without line ends always has one."""
    random_length_share: Share
    """Share of the examples whose target length is random; a twentieth in Google's builder."""
    shortest_random_length: Count
    """The shortest random target length, in tokens."""
    segment_condition: Literal["fixed", "reversed"]
    """`fixed`: sentences fill the first segment, then the second. `reversed`: Google's condition before its commit
    1ed0852, which HFL's builder still uses."""
    validation_share: Share
    """Share of the documents that are held out."""

    @field_validator("sources", mode="before")
    @classmethod
    def _paths_are_sources(cls, value: Any) -> Any:
        """Turn paths into tables, so that `data.sources=FOLDER` works. The formats then follow from file names."""
        values = [value] if isinstance(value, str | dict) else value
        if not isinstance(values, list | tuple):
            raise ValueError(f"sources: {value!r} is neither a path nor a list of paths or [[data.sources]] tables")
        return tuple({"path": v} if isinstance(v, str) else v for v in values)

    @model_validator(mode="after")
    def _rows_fit_bit_planes(self) -> Self:
        if self.row_length % 8:
            raise ValueError(f"row_length: {self.row_length} is not a multiple of 8, which the bit planes need")
        if not 3 <= self.shortest_random_length <= self.row_length:
            raise ValueError(
                f"shortest_random_length: {self.shortest_random_length} is not between 3 and row_length "
                f"({self.row_length})"
            )
        return self


class VocabularyTable(Table):
    """The WordPiece vocabulary, trained on the sources or taken from a file."""

    source: str
    """`train`, or the path of a vocab.txt, of a tokenizer.json, or of a Hugging Face folder that holds one."""
    size: Count
    """Number of entries."""
    lowercase: bool
    """Whether text is lowercased."""
    strip_accents: bool
    """Whether accents are removed."""
    longest_word: Count
    """A word of more characters becomes [UNK]. The number is 200 in Google's code and 100 in transformers'."""
    alphabet: Count
    """For training: the number of characters that get an entry."""
    smallest_count: Count
    """For training: how often a pair must occur to be merged."""
    sample_bytes: Count
    """Number of bytes of text that are read to train or extend a vocabulary."""
    extend: Natural
    """Number of words of the text that are added to an existing vocabulary. They replace its [unused] entries first,
    and are then appended."""

    @field_validator("source")
    @classmethod
    def _names_something(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("source: is empty; write train, or name a vocab.txt, a tokenizer.json or a folder")
        return value

    @model_validator(mode="after")
    def _only_a_taken_one_is_extended(self) -> Self:
        if self.extend and self.source == "train":
            raise ValueError(f"extend: {self.extend}, and the vocabulary is trained; name the one to extend as source")
        return self


class MaskingTable(Table):
    """The choice of the positions that are predicted. It is made at preparation, where word boundaries are known."""

    scheme: Literal["token", "whole_word", "terms", "span"]
    """`token`: single tokens. `whole_word`: whole words. `terms`: whole words, and the terms of the lexicon as if
    they were words. `span`: runs of whole words."""
    mean_span: Annotated[float, Field(ge=1)]
    """For `span`: the mean number of words in a run. The lengths have a geometric distribution."""
    lexicon: str
    """For `terms`: a text file with a term on each line."""
    segmenter: str
    """Finds the words of a script without spaces: an entry point of the group `electra.segmenters`. With `none`,
    WordPiece decides what a word is, and every Chinese character is a word."""
    longest_word: Count
    """The largest number of characters in a segmenter's word that is masked as a whole. The characters of a longer word
    are masked one by one."""
    rate: Annotated[float, Field(gt=0, lt=1)]
    """Share of the real tokens that are masked."""
    maskings: Count | Literal["fresh"]
    """Number of independent maskings that are stored with a row and used in turn by epoch. `fresh` draws one for
    every epoch when the row is read."""

    @property
    def stored(self) -> int:
        """Return K, the number of maskings that are stored with a row."""
        return 0 if self.maskings == "fresh" else self.maskings

    @model_validator(mode="after")
    def _terms_have_a_lexicon(self) -> Self:
        if (self.scheme == "terms") != bool(self.lexicon):
            wanted = "names no file" if self.scheme == "terms" else "is of no use unless scheme is terms"
            raise ValueError(f"lexicon: {self.lexicon!r} {wanted}, and scheme is {self.scheme}")
        return self

    def at_rate(self, rate: float) -> MaskingTable:
        """Return the table with another rate."""
        return self.model_copy(update={"rate": rate})

    def slots(self, row_length: int) -> int:
        """Return P, the slots of a row. Google calls it max_predictions_per_seq (configure_pretraining.py)."""
        return int((self.rate + 0.005) * row_length)
