"""The tables of a recipe that decide how a step updates the weights: the optimizer, and its learning rate over time."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from configs.schema import Count, Natural, NotNegative, Positive, Table


class OptimizerTable(Table):
    """Adam with decoupled weight decay, or Muon for some of the weights; biases and LayerNorms are not decayed."""

    learning_rate: Positive
    """The highest learning rate."""
    beta1: Annotated[float, Field(ge=0, lt=1)]
    """Decay of Adam's first moment."""
    beta2: Annotated[float, Field(ge=0, lt=1)]
    """Decay of Adam's second moment."""
    epsilon: Positive
    """The number that Adam adds to the square root of the second moment."""
    bias_correction: bool
    """Whether Adam corrects the bias of its moments. Google's Adam does not."""
    weight_decay: NotNegative
    """The coefficient of decoupled weight decay."""
    clip_norm: Positive
    """The norm of all gradients together is clipped to this number."""
    matrices: Literal["adam", "muon"] = "adam"
    """The optimizer of the matrices in the layers of both networks. Embeddings, projections, heads, biases and
    LayerNorms always have Adam. Muon's updates are scaled so that Adam's learning rate and weight decay suit them."""
    momentum: Annotated[float, Field(ge=0, lt=1)] | None = None
    """For `matrices = "muon"`: Muon's momentum. The published recipes use 0.95."""
    matrix_rate: Positive = 1.0
    """For `matrices = "muon"`: Muon's learning rate as a multiple of `learning_rate`. Moonlight uses 1, with an Adam
    that corrects its bias. Jordan et al. choose the two rates independently."""
    orthogonalization: Literal["newton_schulz", "polar_express"] = "newton_schulz"
    """For `matrices = "muon"`: how the singular values of an update are made equal. `newton_schulz`: five iterations of
    one polynomial, as Jordan et al. and torch. `polar_express`: the first three iterations of Amsel et al. (arXiv
    2505.16932), each with a polynomial of its own. They are three fifths of the work, and leave the values less equal.
    """
    average_decay: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Decay of an exponential moving average of the weights, which is evaluated and saved beside them. Without this key
    there is none. 0.999 averages over about the last 1,000 steps. In its first steps the decay is lower."""

    @model_validator(mode="after")
    def _muon_alone_has_these_keys(self) -> Self:
        if self.matrices == "muon" and self.momentum is None:
            raise ValueError("momentum: missing; with matrices muon state a number, such as 0.95")
        if self.matrices == "adam" and self.momentum is not None:
            raise ValueError(
                f"momentum: {self.momentum:g}, and Adam has beta1 instead; leave it out, or extend another recipe"
            )
        if self.matrices == "adam" and self.matrix_rate != 1:
            raise ValueError(f"matrix_rate: {self.matrix_rate:g}, and Adam has one rate for all weights; leave it out")
        if self.matrices == "adam" and self.orthogonalization != "newton_schulz":
            raise ValueError(f"orthogonalization: {self.orthogonalization}, and this is a part of Muon; leave it out")
        return self


class ScheduleTable(Table):
    """The learning rate: a linear warm-up, and a decay to zero."""

    steps: Count
    """Number of optimizer steps of the run."""
    warmup_steps: Natural
    """Number of steps in which the learning rate rises."""
    shape: Literal["linear", "wsd", "cosine"] = "linear"
    """How the rate decays. `linear` and `cosine`: over all steps. `wsd` (warm-up, stable, decay): the rate stays at its
    highest value, and decays as 1 - sqrt(x) in the last `decay_steps` steps."""
    decay_steps: Natural | None = None
    """For `wsd`: the number of steps of the decay. With 0 the rate never decays, so that other runs can branch off."""
    decay_power: Positive
    """The decay is raised to this power. The published schedules use 1."""
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
