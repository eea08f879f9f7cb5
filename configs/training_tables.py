"""These tables of a recipe decide a run. They hold every number that matters for it, and no number has a default.

The names are the same as in the file. `configs.recipe` combines the tables.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from configs.schema import Count, Natural, NotNegative, Positive, Share, Table


class CorruptionTable(Table):
    """What a slot shows the generator, and how its replacement is sampled."""

    mask: Share
    """Share of the slots in which the generator sees [MASK]."""
    random: Share
    """Share of the slots in which the generator sees a random id."""
    keep: Share
    """Share of the slots in which the generator sees the original."""
    temperature: Positive
    """The logits of the generator are divided by it before a replacement is sampled."""
    temperature_start: Positive | None = None
    """The temperature of the first step, above `temperature`, to which it falls evenly. A high temperature gives
    replacements that are easy to detect (Fast-ELECTRA). Without this key the temperature is always the same."""
    temperature_steps: Count | None = None
    """Steps in which the temperature falls from `temperature_start` to `temperature`."""
    candidates: Natural
    """How many further tokens are drawn for every slot, without replacement and never the original, for objectives
    that choose among candidates."""

    @model_validator(mode="after")
    def _shares_sum_to_one(self) -> Self:
        total = self.mask + self.random + self.keep
        if abs(total - 1) > 1e-9:
            raise ValueError(f"mask + random + keep: {total:g}, and they must sum to 1")
        return self

    @model_validator(mode="after")
    def _temperature_falls(self) -> Self:
        if (self.temperature_start is None) != (self.temperature_steps is None):
            missing = "temperature_start" if self.temperature_start is None else "temperature_steps"
            raise ValueError(f"{missing}: missing; temperature_start and temperature_steps are stated together")
        if self.temperature_start is not None and self.temperature_start <= self.temperature:
            raise ValueError(
                f"temperature_start: {self.temperature_start:g} is not above temperature ({self.temperature:g})"
            )
        return self

    def temperature_at(self, step: int) -> float:
        """Return the temperature of a step. Steps are counted from 0."""
        if self.temperature_start is None or self.temperature_steps is None:
            return self.temperature
        left = max(0.0, 1 - step / self.temperature_steps)
        return self.temperature + left * (self.temperature_start - self.temperature)


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
    """Number of positions, the longest possible row. A released model that has fewer begins with its positions
    repeated."""
    token_types: Annotated[int, Field(ge=2)]
    """Number of token types (segments)."""
    layer_norm_epsilon: Positive
    """Epsilon of every LayerNorm."""
    initializer: Literal["truncated_normal", "normal"]
    """`truncated_normal` is Google's: a normal distribution cut at two deviations, and Glorot's uniform distribution
    where Google names no initializer. `normal` is that of PaddleNLP and transformers, for every matrix and table."""
    initializer_range: Positive
    """Standard deviation of the initial values."""
    generator_embedding: Count | None = None
    """Width of the generator's embeddings if `shared_embeddings` is `none`. Otherwise both widths are `embedding`."""
    shared_embeddings: Literal["all", "words", "disentangled", "none"]
    """What the discriminator shares with the generator's embeddings. `all`: everything, as Google does. `words`:
    only the word table, as PaddleNLP does. `disentangled`: the tables without passing gradients back, plus
    differences of its own (DeBERTaV3). `none`: nothing."""
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
    """What is made of a released model that a run begins with (`--init-from`)."""

    generator: Literal["keep", "build", "refuse"]
    """What happens if the released model has no usable generator: none, one as wide as the discriminator, or one
    with other embeddings than the discriminator's although they are to be shared. `build` makes a new one, `keep`
    uses the one that exists, `refuse` ends with an error. Without any generator, `keep` is an error too."""
    generator_width: Annotated[float, Field(gt=0, le=1)]
    """Width of a new generator as a share of the width of the discriminator, rounded to whole heads."""
    generator_steps: Natural
    """Steps in which a new generator is trained alone; the discriminator and the embeddings do not change."""
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


class OptimizerTable(Table):
    """Adam with decoupled weight decay; biases and LayerNorms are not decayed."""

    learning_rate: Positive
    """The highest learning rate."""
    beta1: Annotated[float, Field(ge=0, lt=1)]
    """Decay of Adam's first moment."""
    beta2: Annotated[float, Field(ge=0, lt=1)]
    """Decay of Adam's second moment."""
    epsilon: Positive
    """Is added outside the square root."""
    bias_correction: bool
    """Whether Adam corrects the bias of its moments; Google's does not."""
    weight_decay: NotNegative
    """Decoupled weight decay."""
    clip_norm: Positive
    """The norm of all gradients together is clipped at this number."""


class ScheduleTable(Table):
    """The learning rate: a linear warm-up, and a decay to zero."""

    steps: Count
    """Number of optimizer steps of the run."""
    warmup_steps: Natural
    """Steps in which the learning rate rises."""
    shape: Literal["linear", "wsd", "cosine"] = "linear"
    """How the rate decays. `linear` and `cosine`: over all steps. `wsd` (warm-up, stable, decay): the rate stays at its
    highest value, and decays as 1 - sqrt(x) in the last `decay_steps` steps."""
    decay_steps: Natural | None = None
    """Of `wsd` alone: the steps of the decay; 0 is a run that never decays, from which other runs branch off."""
    decay_power: Positive
    """The decay is raised to this power; 1 is the published form."""
    warmup: Literal["multiplied", "before"]
    """`multiplied`: warm-up times decay, as in Google's code. `before`: the decay starts when the warm-up has ended.
    With `wsd` both are the same."""

    @model_validator(mode="after")
    def _warmup_ends(self) -> Self:
        if self.warmup_steps >= self.steps:
            raise ValueError(f"warmup_steps: {self.warmup_steps} is not below steps ({self.steps})")
        return self

    @model_validator(mode="after")
    def _wsd_alone_has_decay_steps(self) -> Self:
        if self.shape == "wsd" and self.decay_steps is None:
            raise ValueError("decay_steps: missing; with shape wsd state a number, such as a tenth of the steps, or 0")
        if self.shape != "wsd" and self.decay_steps is not None:
            raise ValueError(f"decay_steps: {self.decay_steps}, and {self.shape} decays over all steps; leave it out")
        if self.warmup_steps + (self.decay_steps or 0) > self.steps:
            raise ValueError(
                f"decay_steps: {self.decay_steps} and warmup_steps ({self.warmup_steps}) are more than steps "
                f"({self.steps})"
            )
        return self

    @property
    def first_decay_step(self) -> int:
        """The last step that still has the rate before the decay."""
        if self.decay_steps is not None:
            return self.steps - self.decay_steps
        return 0 if self.warmup == "multiplied" else self.warmup_steps


class BatchTable(Table):
    """Rows of one optimizer step over all processes, and at most how many a device takes at once."""

    rows: Count
    """Rows of one step, over all processes."""
    micro_rows: Count
    """The most rows that a process computes at once. It does not change the losses."""
    views: Annotated[int, Field(ge=1, le=2)]
    """How many maskings of each row a step uses: 2 if an objective compares them, which is twice the work."""
    group_rows: Count
    """How many rows an objective compares with one another. They are computed at once, on one device or several."""

    @model_validator(mode="after")
    def _groups_fill_the_batch(self) -> Self:
        if self.rows % self.group_rows:
            raise ValueError(f"group_rows: {self.group_rows} does not divide rows ({self.rows})")
        return self


class ComputeTable(Table):
    """How the step is computed."""

    precision: Literal["auto", "fp32", "bf16"]
    """`auto` is bf16 where the device computes in it, and fp32 elsewhere."""
    zero_stage: Annotated[int, Field(ge=0, le=2)]
    """Stage of DeepSpeed's ZeRO."""
    compile: Literal[True, False, "cuda_graphs"]
    """`true` compiles each layer by torch.compile, which takes half a minute at the start and is for GPUs; a CPU is
    slower with it. `"cuda_graphs"` also launches the kernels of a layer together, which helps a small model that
    waits for launches."""


class RunTable(Table):
    """What happens between the steps; nothing here changes a loss."""

    log_every: Count
    """Steps between two logged lines."""
    evaluate_every: Count
    """Steps between two evaluations on held-out rows."""
    evaluate_rows: Natural
    """How many held-out rows are evaluated."""
    save_every: Count
    """Steps between two checkpoints."""
    keep_last: Count
    """How many of the newest checkpoints are kept."""
    keep_every: Natural
    """Checkpoints at multiples of this number of steps are never deleted; 0 is none."""
    stop_after_skipped: Count
    """The run ends when this many steps in a row changed nothing, because their loss or gradient was not finite. On a
    GPU this is noticed a few steps later, because no step waits for the count."""

    @model_validator(mode="after")
    def _what_is_kept_is_saved(self) -> Self:
        if self.keep_every % self.save_every:
            raise ValueError(f"keep_every: {self.keep_every} is not a multiple of save_every ({self.save_every})")
        return self
