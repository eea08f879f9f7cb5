"""How a model is fine-tuned: the ELECTRA paper's numbers (appendix B) for its size, unless a key says otherwise.

Epochs, lengths and batches of what ELECTRA's paper does not have are those of the baselines of CLUE (C3, CHID), CBLUE
(CHIP-CDN) and ERNIE-Health (CMeIE).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import Field

from configs.load import assignments, validate
from configs.schema import Count, NotNegative, Positive, Share, Table
from pretrain.evaluation.tasks.task import Choice, Task

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
    # of terms to be normalised: candidates of a text, and how many wrong ones of them are trained beside the right ones
    candidates: Count
    negatives: Count
    # what a task is judged by; "" is its published one
    metric: str


def settings_for(task: Task, hidden: int, max_positions: int, given: Iterable[str]) -> Settings:
    """The numbers for a model of this width, with `key=value` laid over. Raises UserError for an unknown key."""
    size = "small" if hidden <= _SMALL else "base" if hidden <= _BASE else "large"
    epochs, length = _usual(task)
    tables: dict[str, Any] = {
        "epochs": epochs,
        "batch": 12 if task.kind == "relations" else 32,
        "length": min(length, max_positions),
        "learning_rate": {"small": 3e-4, "base": 1e-4, "large": 5e-5}[size],
        "warmup_share": 0.1,
        "weight_decay": 0.0,
        "bias_correction": False,
        "clip_norm": 1.0,
        "layer_decay": 0.9 if size == "large" else 0.8,
        "layer_decay_exponent": "paper",
        "stride": 128,
        "answer_length": 30,
        "candidates": 100,
        "negatives": 3,
        "metric": "",
    }
    return validate(Settings, tables | assignments(given), "--task")


def _usual(task: Task) -> tuple[int, int]:
    """Epochs, and tokens."""
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
    return 10 if task.name.lower() in _LONG else 3, 128
