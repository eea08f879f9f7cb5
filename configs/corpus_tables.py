"""The tables of a recipe that a corpus is made by: its text, its vocabulary, what is masked."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, Strict, field_validator, model_validator

from configs.common.secrets import Location
from configs.schema import Count, Natural, Positive, Share, Table

Format = Literal["auto", "text", "lines", "file", "jsonl", "csv", "parquet", "huggingface", "megatron"]


class SourceTable(Table):
    """Text to prepare: a file or a folder of files, here or at any fsspec URL, or a Hugging Face dataset."""

    path: Location
    # text: a blank line ends a document; lines: every line is one; file: every file is one; jsonl, csv, parquet: the
    # text under `field`; huggingface: a folder that `save_to_disk` wrote, or a name on the hub; megatron: token ids,
    # .bin beside .idx; auto: by file name
    format: Format = "auto"
    field: str = "text"
    encoding: str = "utf-8"
    # of a Hugging Face dataset; "" where it has one configuration
    config: str = ""
    split: str = "train"
    # how many times a document is taken, on average
    weight: Positive = 1.0
    # for the report; nothing is checked
    licence: str = ""
    # what a damaged file, or a line that is not what the format says, does: stop, or leave out the rest of the file, or
    # the line, and count it
    on_error: Literal["stop", "skip"] = "stop"

    @field_validator("encoding")
    @classmethod
    def _lines_end_as_in_ascii(cls, value: str) -> str:
        try:
            known = "\n".encode(value) == b"\n"
        except LookupError:
            raise ValueError(f"encoding: {value!r} is no encoding that Python knows") from None
        if not known:
            raise ValueError(f"encoding: {value!r} does not end lines with one byte; convert the text to UTF-8")
        return value


class FilterTable(BaseModel):
    """Leaves documents out. Further keys are its arguments, checked in `data_prep/cleaning.py`."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    # Length, Language, or a class of datatrove.pipeline.filters
    name: str


class DataTable(Table):
    """From text to rows of `row_length` token ids."""

    sources: Annotated[tuple[SourceTable, ...], Strict(False)]
    # what is done to the text before anything else, in this order (`data_prep/normalize.py`)
    normalize: Annotated[tuple[Literal["nfkc", "simplified", "traditional", "punctuation"], ...], Strict(False)]
    filters: Annotated[tuple[FilterTable, ...], Strict(False)]
    # e-mail addresses, telephone and identity numbers: count them, or put something in their place
    personal_data: Literal["ignore", "count", "redact"]
    # documents whose text came before in any source: keep them, or leave out the same (exact), or nearly the same
    # (minhash), text
    deduplicate: Literal["none", "exact", "minhash"]
    row_length: Count
    # packed: examples share a row; single: one example in a row, then padding, as Google's builder does
    packing: Literal["packed", "single"]
    # Google's builder: a tenth of the examples have one segment, a twentieth a random target length
    single_segment_share: Share
    random_length_share: Share
    shortest_random_length: Count
    # fixed: sentences fill the first segment, then the second; reversed: Google's condition before its commit 1ed0852,
    # which HFL's builder still has
    segment_condition: Literal["fixed", "reversed"]
    validation_share: Share

    @field_validator("sources", mode="before")
    @classmethod
    def _paths_are_sources(cls, value: Any) -> Any:
        """`data.sources=FOLDER` on the command line stands for one source whose formats its names tell."""
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
    """WordPiece: trained on the sources, or taken from a file."""

    # "train", or the path of a vocab.txt, a tokenizer.json, or a Hugging Face folder that holds one
    source: str
    size: Count
    lowercase: bool
    strip_accents: bool
    # a longer word becomes [UNK]: 200 in Google's code, 100 in transformers'
    longest_word: Count
    # of training only: how many characters get an entry, how often a pair must occur
    alphabet: Count
    smallest_count: Count
    # how much text is read to train, or to extend
    sample_bytes: Count
    # words of the text that a taken vocabulary gets beside its own: in place of its [unused] entries, then at its end
    extend: Natural

    @model_validator(mode="after")
    def _only_a_taken_one_is_extended(self) -> Self:
        if self.extend and self.source == "train":
            raise ValueError(f"extend: {self.extend}, and the vocabulary is trained; name the one to extend as source")
        return self


class MaskingTable(Table):
    """Which positions of a row are predicted. Chosen at preparation, where the word boundaries are known."""

    # terms: whole words, and the terms of the lexicon as if they were words; span: runs of whole words
    scheme: Literal["token", "whole_word", "terms", "span"]
    # of span: words in a run on average; the lengths are geometric
    mean_span: Annotated[float, Field(ge=1)]
    # of terms: a text file with a term on each line
    lexicon: str
    # finds the words of a script without spaces: an entry point of the group "electra.segmenters"; "none": words are
    # WordPiece's, and a Chinese character is one
    segmenter: str
    # of a segmenter's words, in characters; those of a longer one are masked one by one
    longest_word: Count
    rate: Annotated[float, Field(gt=0, lt=1)]
    # independent maskings stored with a row, used in turn by epoch; "fresh" draws one for every epoch when loaded
    maskings: Count | Literal["fresh"]

    @property
    def stored(self) -> int:
        """K, how many maskings a row carries."""
        return 0 if self.maskings == "fresh" else self.maskings

    @model_validator(mode="after")
    def _terms_have_a_lexicon(self) -> Self:
        if (self.scheme == "terms") != bool(self.lexicon):
            wanted = "names no file" if self.scheme == "terms" else "is of no use unless scheme is terms"
            raise ValueError(f"lexicon: {self.lexicon!r} {wanted}, and scheme is {self.scheme}")
        return self

    def slots(self, row_length: int) -> int:
        """P, the slots of a row: Google's max_predictions_per_seq (configure_pretraining.py)."""
        return int((self.rate + 0.005) * row_length)
