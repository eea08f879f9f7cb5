"""The schema of a recipe: every number that makes a run what it is, and none with a default.

A recipe is a TOML file (`configs/recipes/`); `configs.load` reads one. Tables are named as in the file.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, Strict, field_validator, model_validator

Count = Annotated[int, Field(ge=1)]
Natural = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Source(Table):
    """Text to prepare: a file, or a folder of files."""

    path: str
    # text: a blank line ends a document; jsonl: one JSON object per line, the text under `field`; auto: by file name
    format: Literal["auto", "text", "jsonl"] = "auto"
    field: str = "text"


class Data(Table):
    """From text to rows of `row_length` token ids."""

    sources: Annotated[tuple[Source, ...], Strict(False)]
    row_length: Count
    # packed: examples share a row; single: one example in a row, then padding, as Google's builder does
    packing: Literal["packed", "single"]
    # Google's builder: a tenth of the examples have one segment, a twentieth a random target length
    single_segment_share: Share
    random_length_share: Share
    shortest_random_length: Count
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
    # of training only: how many characters get an entry, how often a pair must occur, how much text is read
    alphabet: Count
    smallest_count: Count
    sample_bytes: Count


class Masking(Table):
    """Which positions of a row are predicted. Chosen at preparation, where the word boundaries are known."""

    scheme: Literal["token", "whole_word"]
    rate: Annotated[float, Field(gt=0, lt=1)]
    # independent maskings stored with a row, used in turn by epoch; "fresh" draws one for every epoch when loaded
    maskings: Count | Literal["fresh"]

    @property
    def stored(self) -> int:
        """K, how many maskings a row carries."""
        return 0 if self.maskings == "fresh" else self.maskings

    def slots(self, row_length: int) -> int:
        """P, the slots of a row: Google's max_predictions_per_seq (configure_pretraining.py)."""
        return int((self.rate + 0.005) * row_length)


class Corruption(Table):
    """What a slot shows the generator, and how its replacement is sampled."""

    mask: Share
    random: Share
    keep: Share
    temperature: Positive

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
    initializer_range: Positive
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
    keep_last: Count


class Recipe(Table):
    name: str
    about: str
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    data: Data
    vocabulary: Vocabulary
    masking: Masking
    corruption: Corruption
    model: Model
    objectives: dict[str, Objective]
    optimizer: Optimizer
    schedule: Schedule
    batch: Batch
    compute: Compute
    run: Run
    # keys for DeepSpeed's own configuration, passed on as they are
    deepspeed: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        if self.data.row_length > self.model.max_positions:
            raise ValueError(
                f"data.row_length: {self.data.row_length} is above model.max_positions ({self.model.max_positions})"
            )
        if not self.masking.slots(self.data.row_length):
            raise ValueError(
                f"masking.rate: {self.masking.rate:g} leaves no slot in a row of {self.data.row_length} tokens"
            )
        if not self.objectives:
            raise ValueError("objectives: empty; name at least one, such as [objectives.mlm] and [objectives.rtd]")
        return self

    def science(self) -> dict[str, Any]:
        """The part that decides the weights: what a resumed run must share with the run that it continues.

        Where the text and the vocabulary came from is not in it: a corpus is known by its manifest, not by paths.
        """
        tables = self.model_dump(mode="json")
        for operational in ("name", "about", "run", "deepspeed"):
            del tables[operational]
        del tables["batch"]["micro_rows"], tables["compute"]["zero_stage"]
        del tables["data"]["sources"], tables["vocabulary"]["source"]
        return tables

    def lines(self) -> list[str]:
        """The resolved recipe for people, a line a table."""
        tables = self.model_dump(mode="json")
        named = {"": {k: v for k, v in tables.items() if not isinstance(v, dict)}}
        named |= {k: v for k, v in tables.items() if isinstance(v, dict) and v}
        return [
            "  " + "  ".join([f"[{name}]"] * bool(name) + [f"{k}={json.dumps(v)}" for k, v in flatten(table).items()])
            for name, table in named.items()
        ]

    def fingerprint(self) -> str:
        """sha256 of the science, for corpora, checkpoints and exports to be compared by."""
        return hashlib.sha256(json.dumps(self.science(), sort_keys=True).encode()).hexdigest()


CORPUS_TABLES = ("data", "vocabulary", "masking")


def flatten(tables: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """{"a": {"b": 1}} -> {"a.b": 1}"""
    flat: dict[str, Any] = {}
    for key, value in tables.items():
        if isinstance(value, dict):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


def differences(left: dict[str, Any], right: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """(dotted key, value on the left, value on the right) wherever two sets of tables differ."""
    flat_left, flat_right = flatten(left), flatten(right)
    keys = sorted(flat_left.keys() | flat_right.keys())
    return [(key, flat_left.get(key), flat_right.get(key)) for key in keys if flat_left.get(key) != flat_right.get(key)]
