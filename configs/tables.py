"""The tables of a recipe: every number that makes a run what it is, and none with a default.

Named as in the file; `configs.recipe` puts them together.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, Strict, field_validator, model_validator

from configs.secrets import Location

# Integers are those that TOML promises to carry.
Count = Annotated[int, Field(ge=1, lt=2**63)]
Natural = Annotated[int, Field(ge=0, lt=2**63)]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


Format = Literal["auto", "text", "lines", "file", "jsonl", "csv", "parquet", "huggingface", "megatron"]


class Source(Table):
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


class Filter(BaseModel):
    """Leaves documents out. Further keys are its arguments, checked in `data_prep/cleaning.py`."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    # Length, Language, or a class of datatrove.pipeline.filters
    name: str


class Data(Table):
    """From text to rows of `row_length` token ids."""

    sources: Annotated[tuple[Source, ...], Strict(False)]
    # what is done to the text before anything else, in this order (`data_prep/normalize.py`)
    normalize: Annotated[tuple[Literal["nfkc", "simplified", "traditional", "punctuation"], ...], Strict(False)]
    filters: Annotated[tuple[Filter, ...], Strict(False)]
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


class Vocabulary(Table):
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


class Masking(Table):
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


class Corruption(Table):
    """What a slot shows the generator, and how its replacement is sampled."""

    mask: Share
    random: Share
    keep: Share
    temperature: Positive
    # further tokens drawn for every slot, without replacement and never the original, for objectives that choose
    # among them
    candidates: Natural

    @model_validator(mode="after")
    def _shares_sum_to_one(self) -> Self:
        total = self.mask + self.random + self.keep
        if abs(total - 1) > 1e-9:
            raise ValueError(f"mask + random + keep: {total:g}, and they must sum to 1")
        return self


class Tower(Table):
    """One encoder. The width of a head is hidden / heads."""

    layers: Count
    hidden: Count
    heads: Count
    intermediate: Count

    @model_validator(mode="after")
    def _heads_divide_hidden(self) -> Self:
        if self.hidden % self.heads:
            raise ValueError(f"heads: {self.heads} does not divide hidden ({self.hidden})")
        return self


class Model(Table):
    embedding: Count
    max_positions: Count
    token_types: Annotated[int, Field(ge=2)]
    layer_norm_epsilon: Positive
    # truncated_normal: Google's, cut at two deviations, with Glorot's uniform where Google names no initializer;
    # normal: PaddleNLP's and transformers', for every matrix and table
    initializer: Literal["truncated_normal", "normal"]
    initializer_range: Positive
    # what the discriminator's embeddings have from the generator's. all: everything, as Google does; words: the word
    # table alone, as PaddleNLP does; disentangled: the tables without passing gradients back, plus its own differences
    # (DeBERTaV3)
    shared_embeddings: Literal["all", "words", "disentangled"]
    dropout: Annotated[float, Field(ge=0, lt=1)]
    attention_dropout: Annotated[float, Field(ge=0, lt=1)]
    generator: Tower
    discriminator: Tower


class Objective(BaseModel):
    """A term of the loss. Its keys are those of its own file, `pretrain/objectives/NAME.py`, and are checked there."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)


class Optimizer(Table):
    """Adam with decoupled weight decay; biases and LayerNorms are not decayed."""

    learning_rate: Positive
    beta1: Annotated[float, Field(ge=0, lt=1)]
    beta2: Annotated[float, Field(ge=0, lt=1)]
    # added outside the square root
    epsilon: Positive
    bias_correction: bool
    weight_decay: NotNegative
    clip_norm: Positive


class Schedule(Table):
    """The learning rate: polynomial decay to zero over all steps, and a linear warm-up."""

    steps: Count
    warmup_steps: Natural
    decay_power: Positive
    # multiplied: warm-up times decay, as Google's code does; before: the decay starts when the warm-up has ended
    warmup: Literal["multiplied", "before"]

    @model_validator(mode="after")
    def _warmup_ends(self) -> Self:
        if self.warmup_steps >= self.steps:
            raise ValueError(f"warmup_steps: {self.warmup_steps} is not below steps ({self.steps})")
        return self


class Batch(Table):
    """Rows of one optimizer step over all processes, and at most how many a device takes at once."""

    rows: Count
    micro_rows: Count
    # maskings of a row that a step shows side by side: 2 where an objective compares them, and twice the work
    views: Annotated[int, Field(ge=1, le=2)]
    # rows that an objective compares with one another; they are computed at once, on one device or several
    group_rows: Count

    @model_validator(mode="after")
    def _groups_fill_the_batch(self) -> Self:
        if self.rows % self.group_rows:
            raise ValueError(f"group_rows: {self.group_rows} does not divide rows ({self.rows})")
        return self


class Compute(Table):
    # auto: bf16 where the device computes in it, else fp32
    precision: Literal["auto", "fp32", "bf16"]
    zero_stage: Annotated[int, Field(ge=0, le=2)]


class Run(Table):
    """What happens between the steps; nothing here changes a loss."""

    log_every: Count
    evaluate_every: Count
    evaluate_rows: Natural
    save_every: Count
    # checkpoints: the last so many stay, and for good those at multiples of so many steps; 0: none
    keep_last: Count
    keep_every: Natural
    # end the run when so many steps in a row changed nothing, because their loss or gradient was not finite; looked at
    # when a step is logged
    stop_after_skipped: Count

    @model_validator(mode="after")
    def _what_is_kept_is_saved(self) -> Self:
        if self.keep_every % self.save_every:
            raise ValueError(f"keep_every: {self.keep_every} is not a multiple of save_every ({self.save_every})")
        return self
