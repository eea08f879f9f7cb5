"""The tables of a recipe that a run is made by: every number that makes it what it is, and none with a default.

Named as in the file; `configs.recipe` puts them together.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from configs.schema import Count, Natural, NotNegative, Positive, Share, Table


class CorruptionTable(Table):
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


class TowerTable(Table):
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


class ModelTable(Table):
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
    generator: TowerTable
    discriminator: TowerTable


class InitialTable(Table):
    """What is made of a released model that a run begins with (`--init-from`)."""

    # a generator that does not fit: as wide as the discriminator, or with other embeddings than the discriminator's
    # that it is to share them with. keep: take it; build: a fresh one in its place; refuse: end with a sentence.
    # Where there is none, keep is refused too
    generator: Literal["keep", "build", "refuse"]
    # of one that is built, as a share of the discriminator's, in whole heads
    generator_width: Annotated[float, Field(gt=0, le=1)]
    # steps in which one that is built learns alone: the discriminator and the embeddings stay as they are
    generator_steps: Natural
    # the learning rate of a layer of the discriminator is this times that of the layer above
    layer_decay: Annotated[float, Field(gt=0, le=1)]


class ObjectiveTable(BaseModel):
    """A term of the loss. Its keys are those of its own file, `pretrain/objectives/NAME.py`, and are checked there."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)


class OptimizerTable(Table):
    """Adam with decoupled weight decay; biases and LayerNorms are not decayed."""

    learning_rate: Positive
    beta1: Annotated[float, Field(ge=0, lt=1)]
    beta2: Annotated[float, Field(ge=0, lt=1)]
    # added outside the square root
    epsilon: Positive
    bias_correction: bool
    weight_decay: NotNegative
    clip_norm: Positive


class ScheduleTable(Table):
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


class BatchTable(Table):
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


class ComputeTable(Table):
    # auto: bf16 where the device computes in it, else fp32
    precision: Literal["auto", "fp32", "bf16"]
    zero_stage: Annotated[int, Field(ge=0, le=2)]
    # the layers, by torch.compile: half a minute at the start. It fuses what a GPU would do one by one; on a CPU it
    # is slower than what is there without it. "cuda_graphs" also has a layer's kernels started as one: a small model
    # on a GPU waits for its launches
    compile: Literal[True, False, "cuda_graphs"]


class RunTable(Table):
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
