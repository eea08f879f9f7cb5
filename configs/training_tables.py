"""These tables of a recipe decide a run. They hold every number that matters for it, and no number has a default.

The names are the same as in the file. `configs.recipe` combines the tables.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, Strict, model_validator

from configs.schema import Count, Natural, Positive, Table


class TowerTable(Table):
    """One encoder. The width of a head is hidden / heads."""

    layers: Count
    """Number of transformer layers."""
    hidden: Count
    """Width of the hidden states."""
    heads: Count
    """Number of attention heads; it must divide `hidden`."""
    intermediate: Count
    """Width of the feed-forward layers."""

    @model_validator(mode="after")
    def _heads_divide_hidden(self) -> Self:
        if self.hidden % self.heads:
            raise ValueError(f"heads: {self.heads} does not divide hidden ({self.hidden})")
        return self


class ModelTable(Table):
    """The shape of the pair, and its initial values."""

    embedding: Count
    """Width of the embeddings."""
    max_positions: Count
    """Number of positions, which is the longest possible row. If a released model has fewer, its positions are
    repeated."""
    token_types: Annotated[int, Field(ge=2)]
    """Number of token types (segments)."""
    layer_norm_epsilon: Positive
    """Epsilon of every LayerNorm."""
    initializer: Literal["truncated_normal", "normal"]
    """`truncated_normal` is Google's: a normal distribution cut at two deviations, and Glorot's uniform distribution
    where Google names no initializer. `normal` is a normal distribution for every matrix and table, as in PaddleNLP and
    transformers."""
    initializer_range: Positive
    """Standard deviation of the initial values."""
    generator_embedding: Count | None = None
    """Width of the generator's embeddings if `shared_embeddings` is `none`. Otherwise both widths are `embedding`."""
    shared_embeddings: Literal["all", "words", "disentangled", "none"]
    """The embeddings that the networks share. `all`: all of them, as in Google's code. `words`: only the word table, as
    in PaddleNLP. `disentangled`: the discriminator adds a table of differences to the generator's tables, and passes no
    gradient to the generator's (DeBERTaV3). `none`: each network has separate embeddings."""
    dropout: Annotated[float, Field(ge=0, lt=1)]
    """Dropout of hidden states."""
    attention_dropout: Annotated[float, Field(ge=0, lt=1)]
    """Dropout of attention probabilities."""
    generator: TowerTable
    """The shape of the generator."""
    discriminator: TowerTable
    """The shape of the discriminator."""

    @model_validator(mode="after")
    def _own_embeddings_have_a_width(self) -> Self:
        if (self.generator_embedding is None) != (self.shared_embeddings != "none"):
            raise ValueError(
                "generator_embedding: is the width of the generator's embeddings and must be stated if, and only if, "
                f"shared_embeddings is none; it is {self.shared_embeddings}"
            )
        return self

    @property
    def embedding_of_generator(self) -> int:
        """The width of the generator's embeddings."""
        return self.embedding if self.generator_embedding is None else self.generator_embedding


class InitialTable(Table):
    """How a run starts from a released model (`--init-from`)."""

    generator: Literal["keep", "build", "refuse"]
    """How a released model without a usable generator is treated. It may have no generator, a generator as wide as the
    discriminator, or a generator with other embeddings although the recipe shares them. `build` makes a new generator,
    `keep` uses the existing generator, and `refuse` is an error. If there is no generator, `keep` is an error too."""
    generator_width: Annotated[float, Field(gt=0, le=1)]
    """Width of a new generator as a share of the width of the discriminator, rounded to whole heads."""
    generator_steps: Natural
    """Number of steps in which a new generator is trained alone; the discriminator and the embeddings do not change."""
    generator_from: Annotated[str, Field(min_length=1)] | None = None
    """A model whose generator is used instead: an ELECTRA's generator or a BertForMaskedLM of any width, with the same
    vocabulary. The networks then share no embeddings (`model.shared_embeddings` becomes `none`)."""
    generator_frozen: bool | None = None
    """Whether the generator stays as it is. It then has no dropout, no backward pass and no optimizer state."""
    layer_decay: Annotated[float, Field(gt=0, le=1)]
    """The learning rate of each layer of the discriminator is this number times the rate of the layer above."""


class ObjectiveTable(BaseModel):
    """A term of the loss. Its keys are defined and checked in its own file, `pretrain/model/objectives/NAME.py`."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)


RowOrder = Literal["shuffled", "sources"]


class BatchTable(Table):
    """The number of rows of one optimizer step, their order, and how they are divided."""

    rows: Count
    """Number of rows of one step, over all processes."""
    micro_rows: Count
    """The largest number of rows that a process computes at once. Without dropout it changes the losses by rounding
    alone; with dropout, other masks are drawn."""
    views: Annotated[int, Field(ge=1, le=2)]
    """Number of maskings of each row that a step uses. It is 2 if an objective compares them, which doubles the
    work."""
    group_rows: Count
    """Number of rows that an objective compares with one another. They are computed at once, on one or several
    devices."""
    order: RowOrder = "shuffled"
    """`shuffled`: rows of all sources are mixed. `sources`: every epoch reads the sources in the order of
    `data.sources`, and each source in the order of its files; rows are mixed within blocks of 1,024."""
    rows_start: Count | None = None
    """Number of rows of the first step. It divides `rows`. The number grows in equal stages by this number, and is
    `rows` from step `ramp_steps` on. Without this key every step has `rows` rows."""
    ramp_steps: Count | None = None
    """Number of steps in which the number of rows grows from `rows_start` to `rows`."""

    @model_validator(mode="after")
    def _the_ramp_rises(self) -> Self:
        if (self.rows_start is None) != (self.ramp_steps is None):
            missing = "rows_start" if self.rows_start is None else "ramp_steps"
            raise ValueError(f"{missing}: missing; rows_start and ramp_steps are stated together")
        if self.rows_start is not None and (self.rows % self.rows_start or self.rows == self.rows_start):
            raise ValueError(f"rows_start: {self.rows_start} is no divisor of rows ({self.rows}) below it")
        return self

    @model_validator(mode="after")
    def _groups_fill_the_batch(self) -> Self:
        if self.rows % self.group_rows:
            raise ValueError(f"group_rows: {self.group_rows} does not divide rows ({self.rows})")
        if self.rows_start is not None and self.rows_start % self.group_rows:
            raise ValueError(f"group_rows: {self.group_rows} does not divide rows_start ({self.rows_start})")
        return self

    @property
    def stages(self) -> dict[int, int]:
        """Return the first step of each stage of the ramp with the number of rows of its steps."""
        if self.rows_start is None or self.ramp_steps is None:
            return {0: self.rows}
        number = self.rows // self.rows_start
        firsts = [-(-stage * self.ramp_steps // (number - 1)) for stage in range(number)]
        return {first: (stage + 1) * self.rows_start for stage, first in enumerate(firsts)}

    def rows_at(self, step: int) -> int:
        """Return the number of rows of a step. Steps are counted from 0."""
        return max(rows for first, rows in self.stages.items() if first <= step)

    def rows_before(self, step: int) -> int:
        """Return the number of rows of all steps before this one."""
        lengths = [max(0, step - first) for first in self.stages]
        return sum(
            (length - after) * rows
            for rows, (length, after) in zip(self.stages.values(), pairwise([*lengths, 0]), strict=True)
        )


class ComputeTable(Table):
    """How a step is computed."""

    precision: Literal["auto", "fp32", "bf16"]
    """`auto` is bf16 if the device supports it, and fp32 otherwise."""
    zero_stage: Annotated[int, Field(ge=0, le=2)]
    """Stage of DeepSpeed's ZeRO."""
    compile: Literal[True, False, "cuda_graphs"]
    """`true` compiles each layer by torch.compile, which takes half a minute at the start and is for GPUs; a CPU is
    slower with it. `"cuda_graphs"` also launches the kernels of a layer together, which helps a small model that
    waits for launches."""


class RunTable(Table):
    """Logging, evaluation and checkpoints. None of these keys changes a loss."""

    log_every: Count
    """Number of steps between two logged lines."""
    evaluate_every: Count
    """Number of steps between two evaluations on held-out rows. Random weights are not evaluated before step 1."""
    evaluate_rows: Natural
    """Number of held-out rows that are evaluated."""
    save_every: Count
    """Number of steps between two checkpoints."""
    keep_last: Count
    """Number of newest checkpoints that are kept."""
    keep_every: Natural
    """Checkpoints at multiples of this number of steps are never deleted. With 0, no checkpoint is exempt."""
    stop_after_skipped: Count
    """The run ends when this many steps in a row changed nothing, because their loss or gradient was not finite. On a
    GPU the run notices this a few steps later, because no step waits for the count."""
    trackers: Annotated[tuple[Literal["tensorboard", "wandb", "mlflow", "trackio"], ...], Strict(False)] = (
        "tensorboard",
    )
    """Programs that show the run while it trains. Each must be installed."""

    @model_validator(mode="after")
    def _what_is_kept_is_saved(self) -> Self:
        if self.keep_every % self.save_every:
            raise ValueError(f"keep_every: {self.keep_every} is not a multiple of save_every ({self.save_every})")
        return self
