"""How a model is fine-tuned: the ELECTRA paper's numbers (appendix B) for its size, unless a key says otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import Field

from configs.load import assignments, validate
from configs.table import Count, NotNegative, Positive, Share, Table
from pretrain.finetune.layouts import Task

# Up to this width a model is as small, or base, is; a wider one is large.
_SMALL, _BASE = 256, 768
# Ten epochs for the smallest tasks of GLUE.
_LONG = ("rte", "sts", "sts-b", "stsb")


class Settings(Table):
    epochs: Count
    batch: Count
    # tokens of an example, special ones included
    length: Count
    learning_rate: Positive
    # of all steps, in which the rate rises; then it falls to 0 in a straight line
    warmup_share: Share
    weight_decay: NotNegative
    bias_correction: bool
    clip_norm: Positive
    # the rate of a layer is this times that of the layer above, with the embeddings below all
    layer_decay: Annotated[float, Field(gt=0, le=1)]
    # paper: the top layer has the whole rate, as the head has. google: google-research/electra's code, whose exponents
    # are greater by two, so that no layer has the whole rate
    layer_decay_exponent: Literal["paper", "google"]
    # of questions: tokens that two windows of a long context share, and the longest answer in tokens
    stride: Count
    answer_length: Count
    # what a task is judged by; "" is its published one
    metric: str


def settings_for(task: Task, hidden: int, max_positions: int, given: Iterable[str]) -> Settings:
    """The numbers for a model of this width, with `key=value` laid over. Raises UserError for an unknown key."""
    size = "small" if hidden <= _SMALL else "base" if hidden <= _BASE else "large"
    questions = task.kind == "spans"
    tables: dict[str, Any] = {
        "epochs": 2 if questions else 10 if task.name.lower() in _LONG else 3,
        "batch": 32,
        "length": min(512 if questions else 128, max_positions),
        "learning_rate": {"small": 3e-4, "base": 1e-4, "large": 5e-5}[size],
        "warmup_share": 0.1,
        "weight_decay": 0.0,
        "bias_correction": False,
        "clip_norm": 1.0,
        "layer_decay": 0.9 if size == "large" else 0.8,
        "layer_decay_exponent": "paper",
        "stride": 128,
        "answer_length": 30,
        "metric": "",
    }
    return validate(Settings, tables | assignments(given), "--task")
