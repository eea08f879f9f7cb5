"""How a model is fine-tuned: the ELECTRA paper's numbers (appendix B) for its size, unless a key overrides them.

If ELECTRA's paper has no numbers for a task, its epochs, length and batch come from the baselines of CLUE (C3, CHID),
CBLUE (CHIP-CDN) and ERNIE-Health (CMeIE).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import Field

from configs.common.errors import UserError
from configs.load import assignments, validate
from configs.schema import Count, NotNegative, Positive, Share, Table
from pretrain.evaluation.tasks.reading.options import ReadingOptions
from pretrain.evaluation.tasks.reading.task import Choice, Task

# The widths of the small and the base model of the paper; a wider model is fine-tuned like the large model.
_SMALL, _BASE = 256, 768
# The smallest tasks of GLUE are trained for ten epochs.
_TEN_EPOCHS = ("rte", "sts", "sts-b", "stsb")


class FinetuneSettings(Table):
    epochs: Count
    batch: Count
    # tokens of an example, special tokens included
    length: Count
    learning_rate: Positive
    # the share of all steps in which the rate rises; after them it falls linearly to 0
    warmup_share: Share
    weight_decay: NotNegative
    bias_correction: bool
    clip_norm: Positive
    # the type of matrix products; the weights stay in fp32
    precision: Literal["fp32", "bf16"]
    # the rate of a layer is this number times the rate of the layer above; the embeddings count as the lowest layer
    layer_decay: Annotated[float, Field(gt=0, le=1)]
    # paper: the top layer has the full rate, as the head has. google: the exponents of google-research/electra's code,
    # which are greater by two, so that no layer has the full rate
    layer_decay_exponent: Literal["paper", "google"]
    # question answering: tokens that two windows of a long context share, and the longest answer in tokens
    stride: Count
    answer_length: Count
    # normalisation of terms: candidates for a text, and how many wrong candidates are trained beside the correct terms
    candidates: Count
    negatives: Count
    # the metric to judge a task by; "" is its published metric
    metric: str


class _TaskKeys(FinetuneSettings, ReadingOptions):
    """Every key that `electra evaluate --task` takes."""


def reading_options(overrides: Iterable[str]) -> ReadingOptions:
    """The keys among the overrides that concern the reading of a task."""
    table = assignments(overrides)
    return validate(ReadingOptions, {key: table[key] for key in ReadingOptions.model_fields if key in table}, "--task")


def settings_for(task: Task, hidden: int, max_positions: int, overrides: Iterable[str]) -> FinetuneSettings:
    """Return the settings for a model of this width, changed by `key=value`. Raises UserError for an unknown key."""
    size = "small" if hidden <= _SMALL else "base" if hidden <= _BASE else "large"
    epochs, length = _epochs_and_length(task)
    table: dict[str, Any] = {
        "epochs": epochs,
        "batch": 12 if task.kind == "relations" else 32,
        "length": min(length, max_positions),
        "learning_rate": {"small": 3e-4, "base": 1e-4, "large": 5e-5}[size],
        "warmup_share": 0.1,
        "weight_decay": 0.0,
        "bias_correction": False,
        "clip_norm": 1.0,
        "precision": "fp32",
        "layer_decay": 0.9 if size == "large" else 0.8,
        "layer_decay_exponent": "paper",
        "stride": 128,
        "answer_length": 30,
        "candidates": 100,
        "negatives": 3,
        "metric": "",
    }
    keys = validate(_TaskKeys, table | assignments(overrides), "--task")
    if keys.length > max_positions:
        raise UserError(f"--task: length: {keys.length}, and the model has {max_positions} positions; set no more")
    return FinetuneSettings(**keys.model_dump(include=set(FinetuneSettings.model_fields)))


def _epochs_and_length(task: Task) -> tuple[int, int]:
    match task.kind:
        case "spans":
            return 2, 512
        case "choices":
            first = task.train[0].target
            return (8, 512) if isinstance(first, Choice) and first.blank is None else (3, 64)
        case "terms":
            return 3, 64
        case "relations":
            return 100, 300
        case _:
            return 10 if task.name.lower() in _TEN_EPOCHS else 3, 128
